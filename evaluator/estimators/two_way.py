"""Static two-way fixed effects and the comparisons hidden in them: an exhibit of what goes wrong, never a headline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.fixed_effects import UnitGroups, two_way_fit, unit_groups, without_each_cluster
from evaluator.vocabulary import NEVER, Assumption, Cell, Fit, Floats, Panel, Sections

SMALLEST = 1e-10
"""Share of the exposed cells that must be left when unit and period effects are taken out."""
TREATED_NEVER = "treated_never"
EARLIER_LATER = "earlier_later"
LATER_EARLIER = "later_earlier"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of two cohorts inside the static coefficient. Periods are indices into the panel's."""

    kind: str  # treated_never | earlier_later (with those not yet exposed) | later_earlier (with those already exposed)
    treated: int  # the cohort whose exposure changes
    compared: int  # the cohort whose exposure does not; NEVER for the never exposed
    weight: float  # share of the coefficient; all comparisons sum to 1
    estimate: float

    @property
    def is_forbidden(self) -> bool:
        """Say whether exposed units serve as the comparison, so that their changing effect is taken for a trend."""
        return self.kind == LATER_EARLIER


@dataclass(frozen=True, slots=True)
class TwoWay:
    """The coefficient of being exposed in a regression with unit and period effects: one number for all cells.

    It is the effect only if the effect is the same for everybody and at all times since the start. Otherwise those
    exposed early serve as comparison for later ones and their growing effect is subtracted; `decomposition` shows how
    much of the number comes from that. Hence `is_exhibit`: it may stand beside a headline as a warning, never be one.

    Every exposed (cohort, period) is a cell with the same effect and influence. Periods of the window of `anticipation`
    are left out. Covariates are not used; solved in numpy, exactly, with gaps and weights.
    """

    anticipation: int = 0
    name: str = "two_way"
    source: str = "Goodman-Bacon (2021), J. Econometrics 225(2), Theorem 1; clustered by Arellano (1987)"
    assumes: frozenset[Assumption] = frozenset(
        {Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION, Assumption.CONSTANT_EFFECT}
    )

    is_exhibit: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.anticipation < 0:
            raise ValueError(f"two_way: anticipation {self.anticipation}; expected 0 or more")

    def fit(self, panel: Panel | Sections) -> Fit:
        """Return the coefficient in every exposed cell (C,) and cluster scores (G, C); `scale` is the number of rows.

        Raises PanelError when exposure does not vary beyond unit and period effects.
        """
        groups = self._sample(unit_groups(panel))
        cells, left = _exposed_cells(groups), _net_exposure(groups)
        mass = (groups.weight * left**2).sum()
        if not _varies(groups, mass):
            raise PanelError(
                "two_way: exposure does not vary beyond unit and period effects; expected units that start at "
                "different times or never, with a period before. Lengthen the panel or add units."
            )
        score = two_way_fit(groups).score
        coefficient = (left * score).sum() / mass
        influence = groups.by_cluster(left * (score - coefficient * groups.weight * left)).sum(axis=1) / mass
        return Fit(
            cells=tuple(Cell(panel.unit, start, t, start - 1 - self.anticipation) for start, t in cells),
            effect=np.full(len(cells), coefficient),
            influence=np.tile(groups.rows * influence[:, None], len(cells)),
            scale=groups.rows,
        )

    def effects_without_each_cluster(self, panel: Panel | Sections, cells: tuple[Cell, ...]) -> Floats:
        """Return the coefficient (G, C) refitted without each cluster in turn; NaN where a cell drops out."""

        def effects(groups: UnitGroups) -> dict[tuple[int, int], float]:
            left = _net_exposure(groups)
            mass = (groups.weight * left**2).sum()
            if not _varies(groups, mass):
                return {}
            coefficient = float((left * groups.weight * groups.outcome).sum() / mass)
            return dict.fromkeys(_exposed_cells(groups), coefficient)

        return without_each_cluster(self._sample(unit_groups(panel)), cells, effects)

    def decomposition(self, panel: Panel | Sections) -> tuple[Comparison, ...]:
        """Return the comparisons of two cohorts whose weighted sum is the coefficient, the heaviest first.

        Raises PanelError unless every unit is observed, at the same weight, in every period.
        """
        groups = unit_groups(panel)
        moving = int((groups.weight != groups.weight[:, :1]).any(axis=1).sum())
        if moving or self.anticipation:
            raise PanelError(
                f"two_way: {moving:,} of {groups.cohort.size:,} groups of units are not equally observed in all "
                f"periods and {self.anticipation} periods are left out; expected none. Decompose a complete panel "
                "without anticipation."
            )
        found = [pair for start in groups.starts() for pair in _compared(groups, int(start))]
        total = sum(pair.weight for pair in found)
        if not total > 0:
            raise PanelError("two_way: 0 cohorts can be compared; expected at least one pair. Add units.")
        shares = (replace(pair, weight=pair.weight / total) for pair in found)
        return tuple(sorted(shares, key=lambda pair: (-pair.weight, pair.treated, pair.compared)))

    def _sample(self, groups: UnitGroups) -> UnitGroups:
        """Return the groups without the window of anticipation."""
        return groups.within(groups.before(self.anticipation) | ~groups.before(0))


def _exposed_cells(groups: UnitGroups) -> list[tuple[int, int]]:
    """Return (cohort, period) with exposed rows, in order."""
    exposed = groups.weight * ~groups.before(0)
    by_start = ((int(start), exposed[groups.cohort == start].any(axis=0)) for start in groups.starts())
    return [(start, int(period)) for start, present in by_start for period in np.flatnonzero(present)]


def _net_exposure(groups: UnitGroups) -> Floats:
    """Return exposure (K, T) net of unit and period effects."""
    exposed = (~groups.before(0)).astype(np.float64)
    fit = two_way_fit(groups, exposed)
    return np.asarray(exposed - fit.unit[:, None] - fit.period)


def _varies(groups: UnitGroups, mass: float) -> bool:
    return bool(mass > SMALLEST * (groups.weight * ~groups.before(0)).sum())


def _compared(groups: UnitGroups, treated: int) -> list[Comparison]:
    """Return the comparisons in which the exposure of cohort `treated` changes; weights not normalised.

    With shares n of persons and d of exposed time, the never exposed weigh n n' d (1 - d); those not yet exposed, with
    d' < d, n n' (d - d') (1 - d); those already exposed, with d' > d, n n' d (d' - d). Source: Theorem 1, equation 10.
    """
    periods = groups.weight.shape[1]
    own, path = _cohort(groups, treated)
    share = (periods - treated) / periods
    out = []
    for other in (int(start) for start in np.unique(groups.cohort)):
        size, compared = _cohort(groups, other)
        if other == NEVER:
            kind, weight, before, after = TREATED_NEVER, share * (1 - share), (0, treated), (treated, periods)
        elif other > treated:
            kind, before, after = EARLIER_LATER, (0, treated), (treated, other)
            weight = (other - treated) / periods * (1 - share)
        else:
            kind, before, after = LATER_EARLIER, (other, treated), (treated, periods)
            weight = (treated - other) / periods * share
        if other != treated:
            gap = path - compared
            estimate = float(gap[slice(*after)].mean() - gap[slice(*before)].mean())
            out.append(Comparison(kind, treated, other, own * size * weight, estimate))
    return out


def _cohort(groups: UnitGroups, start: int) -> tuple[float, Floats]:
    """Return the persons of a cohort and its mean outcome (T,)."""
    rows = groups.cohort == start
    weight = groups.weight[rows, 0]
    return float(weight.sum()), np.asarray(np.average(groups.outcome[rows], axis=0, weights=weight))
