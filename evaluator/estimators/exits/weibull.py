"""The Weibull model of one exit: a baseline hazard that rises or falls with time; the exponential is shape 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import Floats

GAIN, STEPS, HALVINGS = 1e-10, 100, 40


@dataclass(frozen=True, slots=True)
class Weibull:
    """Hazard shape t^(shape - 1) exp(x b)."""

    coefficient: Floats  # (P,) log hazard ratios
    shape: float
    covariance: Floats  # (P + 1, P + 1), log(shape) last
    log_likelihood: float


def weibull(duration: Any, is_exit: Any, design: Any) -> Weibull:
    """Return the maximum likelihood fit, by Newton's method; `design` (N, P) has a constant.

    The log-likelihood is sum(d (log shape + (shape - 1) log t + x b) - t^shape exp(x b)). Raises PanelError when a
    duration is not over 0 or the fit does not converge.
    Source: Kalbfleisch and Prentice (2002), The Statistical Analysis of Failure Time Data, section 2.3.
    """
    t, d, x = (np.asarray(each, dtype=np.float64) for each in (duration, is_exit, design))
    if not (t > 0).all() or not d.any():
        raise PanelError(
            f"weibull: {int((t <= 0).sum()):,} of {t.size:,} durations at or under 0, {int(d.sum()):,} exits; "
            "expected durations over 0 and some exits. Mend the input."
        )
    theta = np.zeros(x.shape[1] + 1)
    theta[:-1] = np.linalg.lstsq(x, np.full(t.size, np.log(d.sum() / t.sum())), rcond=None)[0]
    found = _slopes(t, d, x, theta)
    for _ in range(STEPS):
        step = np.linalg.solve(found[2], found[1])
        expected = float(found[1] @ step)
        if 0 <= expected < GAIN:
            return Weibull(
                theta[:-1], float(np.exp(theta[-1])), np.asarray(np.linalg.inv(found[2]), dtype=np.float64), found[0]
            )
        if expected < 0:
            step, expected = found[1] / np.trace(np.abs(found[2])), float(found[1] @ found[1])
        for halving in range(HALVINGS):
            after = _slopes(t, d, x, theta + 0.5**halving * step)
            if after[0] > found[0]:
                break
        theta, found = theta + 0.5**halving * step, after
    raise PanelError(f"weibull: no maximum in {STEPS} steps; expected one. Look for columns that repeat one another.")


def _slopes(t: Floats, d: Floats, x: Floats, theta: Floats) -> tuple[float, Floats, Floats]:
    """Return log-likelihood, gradient and information in (b, log shape)."""
    shape, log_t, index = np.exp(theta[-1]), np.log(t), x @ theta[:-1]
    hazard = np.exp(np.minimum(shape * log_t + index, 500.0))
    grown = shape * log_t
    value = float(d @ (theta[-1] + (shape - 1) * log_t + index) - hazard.sum())
    gradient = np.append(x.T @ (d - hazard), d @ (1 + grown) - hazard @ grown)
    information = np.empty((theta.size, theta.size))
    information[:-1, :-1] = x.T @ (x * hazard[:, None])
    information[:-1, -1] = information[-1, :-1] = x.T @ (hazard * grown)
    information[-1, -1] = hazard @ (grown**2 + grown) - d @ grown
    return value, gradient, information
