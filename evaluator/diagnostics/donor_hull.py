"""Is the treated path within reach of the donors: could any mixture of them be the treated one before the start?

Weights that are at or over zero and sum to one reach the convex hull of the donors' paths and no further; outside it
even the best weights leave a gap before the start (Abadie, Diamond and Hainmueller 2010, Journal of the American
Statistical Association 105(490)). Over many periods nearly everybody is outside, donors too, so the distance is ranked
among theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.diagnostics.rank_check import rank_check
from evaluator.inference.ferman_pinto import rank_at_size
from evaluator.vocabulary import Bools, Diagnostic, Floats, Light

TOUCHING = 1e-6
"""Share of the donors' spread under which a distance is rounding of the linear programme (its tolerance is 1e-7)."""
FEW = 3.0
"""Effective donors under which one donor's shocks reach the answer nearly as strongly as the treated one's own: chance
in the donors adds over a third to the variance of the gap."""
HULL_WHY = (
    "Ligger kommunen uden for det, de andre kommuner spænder over, findes der ingen blanding af dem, som ligner den."
)
DONORS_WHY = "Bygger sammenligningen på meget få kommuner, bliver det, der tilfældigt sker i dem, læst som effekt."


@dataclass(frozen=True, slots=True)
class Hull:
    """How far each municipality is from the mixtures of the donors, in the unit of the outcome."""

    beyond: Floats  # (P,) treated path over the highest donor (positive) or under the lowest (negative), 0 between them
    distance: Floats  # (1 + D,) largest gap in any period that the nearest mixture leaves; treated first, 0 inside
    p_value: float  # share of the municipalities, the treated one counted, at least as far from the others
    floor: float  # the smallest p-value possible

    @property
    def is_inside(self) -> bool:
        """Return whether a mixture of donors is the treated path in all periods at once."""
        return bool(self.distance[0] == 0)

    @property
    def outside(self) -> Bools:
        """Return the periods (P,) in which the treated one is beyond every donor."""
        return np.asarray(self.beyond != 0)


def donor_hull(paths: Floats, size: Floats | None = None, *, free_level: bool = False) -> Hull:
    """Return where `paths` (1 + D, P) before the start put the treated one, the first row, among the D donors.

    With `free_level` only the shape counts: a method with an intercept moves every mixture up or down as it likes. Each
    donor is held against the other donors, the treated one left out. With `size` (1 + D,), the persons behind a path,
    distances are ranked in multiples of what is usual at that size: small ones are far from the others by chance.
    Raises ValueError for fewer than two donors, no period, or unknown numbers.
    """
    if paths.ndim != 2 or len(paths) < 3 or paths.shape[1] < 1 or not np.isfinite(paths).all():
        raise ValueError(
            f"donor_hull: paths of shape {paths.shape}; expected known numbers of the treated one and 2 donors"
        )
    shape = paths - paths.mean(axis=1, keepdims=True) if free_level else paths
    own, donors = shape[0], shape[1:]
    beyond = np.maximum(own - donors.max(axis=0), 0.0) - np.maximum(donors.min(axis=0) - own, 0.0)
    scale = float(np.sqrt(((donors - donors.mean(axis=0)) ** 2).mean()))
    touching = TOUCHING * max(scale, float(np.finfo(np.float64).tiny))
    distance = [_distance(donors, own, free_level)]
    distance += [_distance(np.delete(donors, row, axis=0), donors[row], free_level) for row in range(len(donors))]
    far = np.where(np.array(distance) > touching, distance, 0.0)
    persons = np.ones(len(far)) if size is None else size
    return Hull(np.where(np.abs(beyond) > touching, beyond, 0.0), far, rank_at_size(far, persons), 1 / far.size)


def hull_check(hull: Hull) -> Diagnostic:
    """Judge the hull by the rank of the distance; beyond every donor in every period is red, in some period amber."""
    check = rank_check("donor_hull", hull.p_value, hull.floor, HULL_WHY)
    light = check.verdict
    if hull.outside.all():
        light = Light.RED
    elif hull.outside.any() and light is Light.GREEN:
        light = Light.AMBER
    threshold = f"{check.threshold}, og inden for de andres spænd i alle perioder"
    return Diagnostic(check.name, check.value, threshold, light, check.why)


def effective_donors(weights: Floats) -> Floats:
    """Return 1 / sum of squared shares of `weights` (..., N) along the last axis: 4 when four donors count alike.

    Weights may sum to anything but 0; under zero ones (ridge augmentation) make the number smaller, even under 1.
    Source: Kish (1965), Survey Sampling, effective sample size.
    """
    total, squares = weights.sum(axis=-1), (weights**2).sum(axis=-1)
    return np.asarray(total**2 / squares)


def donors_check(weights: Floats) -> Diagnostic:
    """Judge the effective number of donors behind the treated one's `weights` (N,)."""
    number = float(effective_donors(weights))
    return Diagnostic(
        "effective_donors", number, f"mindst {FEW:.0f}", Light.GREEN if number >= FEW else Light.AMBER, DONORS_WHY
    )


def _distance(donors: Floats, own: Floats, free_level: bool) -> float:
    """Return the least e with |own - w'donors - c| <= e in every period, w on the simplex; c is 0 unless it is free.

    The problem is solved in units of its own largest distance, as the solver's tolerances are absolute.
    """
    from scipy.optimize import linprog

    gaps = (donors - own).T  # (P, D): w on the simplex, so own - w'donors = -(gaps w)
    scale = float(np.abs(gaps).max())
    if scale == 0:
        return 0.0
    periods, count = gaps.shape
    level = np.full((periods, 1), 1.0 if free_level else 0.0)
    limit = np.full((periods, 1), -1.0)
    upper = np.hstack([gaps / scale, level, limit])
    lower = np.hstack([-gaps / scale, -level, limit])
    found = linprog(
        np.append(np.zeros(count + 1), 1.0),
        A_ub=np.vstack([upper, lower]),
        b_ub=np.zeros(2 * periods),
        A_eq=np.append(np.ones(count), [0.0, 0.0])[None, :],
        b_eq=[1.0],
        bounds=[(0, None)] * count + [(None, None), (0, None)],
        method="highs",
    )
    if found.status != 0:
        raise ArithmeticError(
            f"donor_hull: the linear programme stopped with status {found.status}; expected a solution"
        )
    return float(found.fun) * scale
