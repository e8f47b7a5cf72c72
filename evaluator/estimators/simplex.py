"""Least squares over the simplex: weights at or over zero that sum to one, to a stated duality gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import Bools, Floats

GAP = 1e-8
"""Largest duality gap of an answer, as a share of what the middle candidate leaves alone."""
FLOOR = 1e-9
"""Ridge, as a share of the same, that makes the answer unique: of equally good weights the most even ones, in any order
of the candidates. It is the gap's main part; the smallest that double precision still tells from rounding."""
TIE = 1e-12
"""Size under which a sign is rounding."""
PATIENCE = 4
"""Exchanges of blocks without progress after which candidates are exchanged one at a time, which always ends."""
EXCHANGES = 100
"""Exchanges per candidate before there is no hope: four to ten in all are usual."""


@dataclass(frozen=True, slots=True)
class Weights:
    """An answer, and how far from the best it can be."""

    weight: Floats  # (n,) at or over 0, summing to 1
    objective: float  # mean squared gap + ridge x sum of squared weights
    slack: float  # duality gap over what the middle candidate leaves alone, both without the floor


def least_squares(
    candidates: Floats, target: Floats, *, ridge: float = 0.0, intercept: bool = False, likely: Bools | None = None
) -> Weights:
    """Return the weights w (n,) with the least mean((target - candidates w - c)^2) + ridge sum(w^2).

    `candidates` is (T, n) and `target` (T,) in one unit; `ridge` is in its square; c is 0 without `intercept`. `likely`
    (n,) guesses which weights are over 0 and changes the time taken only. On the simplex the problem is w'Qw with Q the
    moments of the candidates' distances to the target, so w is the non-negative v with (Qv)_i = 1 where v_i > 0 and
    over 1 elsewhere, divided by its sum.

    Raises PanelError when the gap of the answer is over GAP.
    Source: exchanges of blocks with single ones as the last resort, Portugal, Judice and Vicente (1994), Mathematics of
    Computation 63(208); duality gap of the simplex, Jaggi (2013), ICML.
    """
    distance = candidates - target[:, None]
    if intercept:
        distance = distance - distance.mean(axis=0)
    moments = distance.T @ distance / len(distance)
    count = len(moments)
    moments.flat[:: count + 1] += ridge
    alone = np.diag(moments)
    scale = float(np.median(alone) or alone.mean())
    if scale == 0.0:
        return Weights(np.full(count, 1 / count), 0.0, 0.0)
    weight = _non_negative(moments / scale + FLOOR * np.eye(count) + 1.0, likely)
    weight = weight / weight.sum()
    slope = moments @ weight
    objective = float(weight @ slope)
    slack = max(2 * (objective - float(slope.min())) / scale, 0.0)
    if not slack <= GAP:
        raise PanelError(
            f"simplex: a duality gap of {slack:.1e} is left; expected at most {GAP:.0e}. "
            "Look for numbers out of all proportion to the others."
        )
    return Weights(weight, objective, slack)


def _non_negative(matrix: Floats, likely: Bools | None) -> Floats:
    """Return v >= 0 (n,) with `matrix` v = 1 where v > 0 and at or over 1 elsewhere, `matrix` (n, n) positive definite.

    The ones in the matrix (those of w'(Q + 11')w) leave the answer's direction alone and keep it finite when the fit is
    perfect.
    """
    count = len(matrix)
    free = np.ones(count, dtype=np.bool_) if likely is None else likely
    fewest, patience = count + 1, PATIENCE
    for _ in range(EXCHANGES * count):
        v = np.zeros(count)
        v[free] = np.linalg.solve(matrix[np.ix_(free, free)], np.ones(int(free.sum())))
        wrong = np.where(free, v < -TIE, matrix @ v < 1 - TIE)
        number = int(wrong.sum())
        if number == 0:
            return np.maximum(v, 0.0)
        if number < fewest:
            fewest, patience = number, PATIENCE
        elif patience:
            patience -= 1
        else:
            wrong[: np.flatnonzero(wrong)[-1]] = False
        free = free ^ wrong
    raise PanelError(
        f"simplex: {EXCHANGES * count} exchanges of {count} candidates found no weights; expected an answer. "
        "Look for numbers out of all proportion to the others."
    )
