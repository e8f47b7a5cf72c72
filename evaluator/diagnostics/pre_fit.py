"""How well the counterfactual follows before the start, and whether the gap after it is out of the ordinary.

Before means before the window of anticipation; its periods are on neither side. Arrays hold the treated municipality
first, then the donors, each as if it were treated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluator.diagnostics.rank_check import rank_check
from evaluator.errors import PanelError
from evaluator.estimators.weighted_paths import Matching, Paths, contrasts_of
from evaluator.inference.ferman_pinto import rank_at_size
from evaluator.inference.judged import MIN_DONORS, too_few_donors
from evaluator.inference.placebo import randomisation
from evaluator.vocabulary import NEVER, Diagnostic, Floats, Ints, Light, NotEstimable, Panel, Placebos

EXACT = 1e-6
"""Gap before the start, as a share of how much the path itself moves, under which it is the solver's rounding."""
FIT_WHY = "Følger sammenligningen ikke kommunen før starten, kan den ikke sige, hvad der ville være sket efter den."
DATE_WHY = "Rammer metoden en forskel ved en falsk start, hvor intet skete, måler den noget andet end indsatsen."
LEFT_OUT_WHY = "Hviler svaret på en enkelt kommune i sammenligningen, er det dens udvikling, der måles."
LEFT_OUT_THRESHOLD = "højst halvdelen af usikkerheden"


@dataclass(frozen=True, slots=True)
class PreFit:
    """Root mean squares of the gaps, in the unit of the outcome; treated first."""

    before: Floats  # (1 + D,)
    after: Floats  # (1 + D,)
    movement: Floats  # (1 + D,) root mean square of the path around its own mean before the start
    followed: (
        Floats  # (1 + D,) 1 - (before / movement)^2: the share of the path's movement that is followed; NaN if flat
    )


@dataclass(frozen=True, slots=True)
class Ratio:
    """The gap after the start over the gap before it, and its place among the municipalities."""

    value: float
    rank: int  # from above, ties counted against the treated one: 1 = larger than all donors'
    of: int
    p_value: float


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The answer without one donor at a time, K donors, the heaviest first."""

    rows: Ints  # (K,) rows of the panel
    gaps: Floats  # (K, T) actual less counterfactual of the treated one
    effect: Floats  # (K,) mean gap from the start on


def pre_fit(paths: Paths) -> PreFit:
    """Return how well the counterfactuals follow before the start, and how far off they are after it."""
    gap, base = paths.gap, paths.actual[:, : paths.before]
    before, after, movement = (
        _root_mean_square(part)
        for part in (gap[:, : paths.before], gap[:, paths.start :], base - base.mean(axis=1, keepdims=True))
    )
    share = np.divide(before, movement, out=np.full(before.shape, np.nan), where=movement > 0)
    return PreFit(before, after, movement, 1 - share**2)


def rmspe_ratio(fit: PreFit) -> Ratio | NotEstimable:
    """Return the treated one's ratio of root mean squared gaps and its rank among the donors'.

    A fit before the start that is exact to rounding makes a ratio of noise: refused for the treated one, counted as
    the largest for a donor. Source: Abadie, Diamond and Hainmueller (2015), American J. of Political Science 59(2).
    """
    floor = np.maximum(EXACT * np.maximum(fit.movement, fit.after), np.finfo(np.float64).tiny)
    if fit.before[0] <= floor[0]:
        return NotEstimable(
            "Sammenligningen rammer kommunen præcist før starten, så forholdet mellem før og efter siger intet.",
            "Flere perioder før starten, eller en metode, der fordeler vægten på flere kommuner.",
        )
    if fit.before.size - 1 < MIN_DONORS:
        return too_few_donors(fit.before.size - 1)
    ratio = fit.after / np.maximum(fit.before, floor)
    found = randomisation(Placebos(ratio[:1], ratio[1:, None], np.ones(ratio.size - 1), 1.0))
    return Ratio(found.value, round(found.p_two_sided * found.of), found.of, found.p_two_sided)


def pre_fit_check(fit: PreFit, size: Floats) -> Diagnostic:
    """Judge how hard the treated one is to follow, among donors, at the persons behind each, `size` (1 + D,)."""
    return rank_check("pre_fit", rank_at_size(fit.before, size), 1 / fit.before.size, FIT_WHY)


def moved_back(panel: Panel, start: int, after: int, anticipation: int = 0) -> Panel:
    """Return the panel with the treated one's start moved to index `start` and cut `after` periods from it on.

    A false start is asked what the true one is, over as many periods, and sees nothing of the true one nor of the
    `anticipation` ahead of it. Raises PanelError unless one unit is treated and both fit ahead of that.
    """
    treated = np.flatnonzero(panel.cohort != NEVER)
    if treated.size != 1:
        raise PanelError(
            f"moved_back: {treated.size} units have a start; expected one. Write one spec per municipality."
        )
    end, last = start + after, int(panel.cohort[treated[0]]) - anticipation
    if start < 1 or after < 1 or end > last:
        raise PanelError(
            f"moved_back: the false start is period {start} with {after} from it on; expected at least 1 of each, and "
            f"none of them from period {last} on. Choose an earlier date."
        )
    return replace(
        panel,
        periods=panel.periods[:end],
        outcome=panel.outcome[:, :end],
        observed=panel.observed[:, :end],
        cohort=np.where(panel.cohort == NEVER, NEVER, start),
        exposure=None if panel.exposure is None else panel.exposure[:, :end],
    )


def leave_one_donor_out(method: Matching, panel: Panel, paths: Paths) -> LeftOut:
    """Return the treated one's gaps without each donor that has weight in `paths`, one at a time, weighted anew.

    Donors without weight are passed over: without them the same weights are still the best ones, but for a penalty that
    is estimated from all donors. Raises PanelError as `contrasts_of`.
    """
    from threadpoolctl import threadpool_limits

    (whole,) = contrasts_of(method, panel)
    weight = np.abs(paths.weights[0])
    rows = np.argsort(-weight, kind="stable")[: np.count_nonzero(weight)]
    with threadpool_limits(limits=1):  # as the whole is matched, for the same digits
        gaps = [method.match(replace(whole, donors=whole.donors[whole.donors != row])).gap for row in rows]
    return LeftOut(rows, np.array(gaps), np.array([gap[whole.start :].mean() for gap in gaps]))


def left_out_check(effect: float, left: LeftOut, half_width: float) -> Diagnostic:
    """Judge the largest move of `effect` by leaving out one donor, over half the width of its interval.

    Over 1 is red: without that donor the answer lies outside its own interval.
    """
    moved = float(np.abs(left.effect - effect).max()) / half_width
    light = Light.GREEN if moved <= 0.5 else Light.AMBER if moved <= 1 else Light.RED
    return Diagnostic("leave_one_donor_out", moved, LEFT_OUT_THRESHOLD, light, LEFT_OUT_WHY)


def _root_mean_square(values: Floats) -> Floats:
    return np.asarray(np.sqrt((values**2).mean(axis=1)))
