"""Discrete-time hazards of competing exits: a multinomial logit over the intervals at risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import Floats, NotEstimable

GAIN, STEPS, HALVINGS = 1e-10, 50, 30
FAR = 15.0
"""Coefficient, times the column's standard deviation, from which a column is taken to foretell an exit perfectly."""


@dataclass(frozen=True, slots=True)
class MultinomialHazard:
    """log P(exit k in the interval) / P(staying) = x b_k, for those at risk."""

    coefficient: Floats  # (E, P)
    covariance: Floats  # (E P, E P), exit by exit
    log_likelihood: float
    intervals: float  # sum of weights

    @property
    def error(self) -> Floats:
        """Return the standard errors (E, P)."""
        return np.sqrt(np.diag(self.covariance)).reshape(self.coefficient.shape)


def multinomial_hazard(
    design: Any, exit_code: Any, *, exits: int, weight: Any = None
) -> MultinomialHazard | NotEstimable:
    """Return the maximum likelihood fit to R person-intervals, by Newton's method.

    `design` (R, P) with a constant or an indicator for each piece of the baseline; `exit_code` (R,) is 1..`exits`, or 0
    for staying. `weight` (R,) counts intervals that are alike. As the product of a person's intervals is the likelihood
    of the spell, intervals of one spell need no clustering. Raises PanelError when the arrays do not belong together.
    Source: Allison (1982), Sociological Methodology 13.
    """
    x, code = np.asarray(design, dtype=np.float64), np.asarray(exit_code, dtype=np.int64)
    w = np.ones(len(code)) if weight is None else np.asarray(weight, dtype=np.float64)
    if x.ndim != 2 or not len(x) == len(code) == len(w) or ((code < 0) | (code > exits)).any():
        raise PanelError(
            f"intervals: a design of shape {x.shape} for {len(code):,} exits of 0 to {exits}; expected a row for each. "
            "Check the arrays."
        )
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return NotEstimable("the columns of the design repeat one another", "Leave out one of the categories.")
    if any(not (w[code == k + 1] > 0).any() for k in range(exits)):
        return NotEstimable("an exit does not occur", "More persons, or exits put together.")
    left = (code[:, None] == np.arange(1, exits + 1)).astype(np.float64)
    beta = np.zeros((exits, x.shape[1]))
    value, gradient, information = _slopes(x, left, w, beta)
    for _ in range(STEPS):
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        expected = float(gradient @ step)
        if expected < 2 * GAIN or (np.abs(beta) * x.std(axis=0) > FAR).any():
            break
        for halving in range(HALVINGS):
            after = beta + 0.5**halving * step.reshape(beta.shape)
            found = _slopes(x, left, w, after)
            if found[0] >= value + 1e-4 * 0.5**halving * expected:
                break
        beta, (value, gradient, information) = after, found
    if (np.abs(beta) * x.std(axis=0) > FAR).any() or np.linalg.cond(information) > 1e14:
        return NotEstimable("a column foretells an exit perfectly", "Put categories or exits together.")
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return MultinomialHazard(beta, covariance, value, float(w.sum()))


def _slopes(x: Floats, left: Floats, w: Floats, beta: Floats) -> tuple[float, Floats, Floats]:
    """Return log-likelihood, gradient (E P,) and information (E P, E P)."""
    index = x @ beta.T
    top = np.maximum(index.max(axis=1), 0.0)
    total = np.log(np.exp(-top) + np.exp(index - top[:, None]).sum(axis=1)) + top
    chance = np.exp(index - total[:, None])
    value = float(w @ ((left * index).sum(axis=1) - total))
    gradient = ((left - chance) * w[:, None]).T @ x
    exits, p = beta.shape
    information = np.empty((exits, p, exits, p))
    for k in range(exits):
        for m in range(exits):
            curve = w * chance[:, k] * ((k == m) - chance[:, m])
            information[k, :, m, :] = x.T @ (x * curve[:, None])
    return value, gradient.ravel(), information.reshape(exits * p, exits * p)
