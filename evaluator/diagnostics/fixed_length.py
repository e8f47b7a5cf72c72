"""The shortest fixed-length interval around an estimator that is linear in the effects.

The estimator's weights are number + x @ bends with x (J,) free. Its largest bias is fixed + bound x sum |x| and its
variance quadratic in x, so the frontier of the two is the path of a lasso in x. Half the length is sd x the quantile of
|N(bias / sd, 1)|, which is convex along that path.

Source: Rambachan and Roth (2023), Review of Economic Studies 90(5), section 4.1; Armstrong and Kolesár (2018),
Econometrica 86(2), for the quantile of the folded normal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evaluator.vocabulary import Floats

PRECISION = 1e-10


def shortest(
    number: Floats, bends: Floats, covariance: Floats, fixed: float, bound: float, level: float
) -> tuple[Floats, float]:
    """Return the weights x (J,) on `bends` (J, P) and the half length, in the unit of the effects.

    Raises ValueError when the covariance of the bends is singular.
    """
    from scipy.optimize import minimize_scalar

    def half(x: Floats) -> float:
        row = number + x @ bends
        deviation = float(np.sqrt(row @ covariance @ row))
        return deviation * folded_quantile((fixed + bound * float(np.abs(x).sum())) / deviation, level)

    none = np.zeros(len(bends))
    if not none.size:
        return none, half(none)
    path, largest = lasso_path(bends @ covariance @ bends.T, bends @ covariance @ number)
    candidates = [none, path(0.0)]
    if bound > 0:
        options = {"xatol": PRECISION}
        found = minimize_scalar(
            lambda share: half(path(share * largest)), bounds=(0, 1), method="bounded", options=options
        )
        candidates.append(path(float(found.x) * largest))
    best = min(candidates, key=half)
    return best, half(best)


def lasso_path(quadratic: Floats, linear: Floats) -> tuple[Callable[[float], Floats], float]:
    """Return x(penalty) = argmin x'Qx / 2 + linear'x + penalty x sum |x|, and the penalty from which it is 0.

    Each point is solved in the dual, least squares in a box: x = -Q^-1 (linear + s), |s| <= penalty.
    """
    from scipy.linalg import solve_triangular
    from scipy.optimize import lsq_linear

    try:
        root = np.linalg.cholesky(quadratic)
    except np.linalg.LinAlgError:
        raise ValueError("fixed_length: the changes of slope before the base have a singular covariance.") from None
    inverse = solve_triangular(root, np.eye(linear.size), lower=True)
    scale = float(np.sqrt(np.trace(inverse @ inverse.T)))

    def path(penalty: float) -> Floats:
        dual = np.zeros_like(linear)
        if penalty > 0:
            box = lsq_linear(inverse / scale, -inverse @ linear / scale, (-penalty, penalty), method="bvls", tol=1e-15)
            dual = box.x
        return np.asarray(-inverse.T @ (inverse @ (linear + dual)))

    return path, float(np.abs(linear).max())


def folded_quantile(mean: float, level: float) -> float:
    """Return the `level` quantile of |N(mean, 1)|, mean >= 0."""
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    low, high = mean + float(ndtri(level)) if mean > 0 else 0.0, mean + float(ndtri((1 + level) / 2))
    return float(brentq(lambda c: ndtr(c - mean) - ndtr(-c - mean) - level, low - 1e-9, high + 1e-9, xtol=1e-13))
