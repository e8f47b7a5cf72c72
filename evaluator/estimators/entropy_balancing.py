"""Difference-in-differences of entry cohorts whose persons are weighted, municipality by municipality, to be alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.adjustment.strata import Strata, strata_of
from evaluator.panel import without_clusters
from evaluator.vocabulary import NEVER, Assumption, Bools, Cell, Fit, Floats, Ints, Panel, Sections

FEWEST = 5
"""Comparison clusters under which there is no answer."""
Data = Panel | Sections


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Who is in the comparison, and who cannot be; clusters by number."""

    donors: int  # in the comparison
    empty: tuple[int, ...]  # donors without entrants in a base or exposed period
    outside: tuple[int, ...]  # donors whose persons cannot be weighted to the target
    treated: int  # treated clusters without entrants in such a period


@dataclass(frozen=True, slots=True)
class Balance:
    """How far the comparison had to be weighted, over the base or the exposed periods, whichever is worse."""

    persons: float  # of the comparison
    effective: float  # persons counted alike that would be as certain: (sum w)^2 / sum w^2
    largest: float  # share of the comparison that is one person


@dataclass(frozen=True, slots=True)
class EntropyBalancing:
    """A cohort's gain since its base, less that of clusters never exposed, whose persons are weighted to be like it.

    With `adjustment` "weighting" the persons of each donor are weighted so that their covariate means equal those of
    the cohort's own entrants: in the base those of its base, in the exposed periods those of its exposed ones, and so
    in the window of `anticipation` and in the time before the base. Then neither a change of who comes in nor another
    composition elsewhere is taken for an effect, as long as what a trait is worth does not differ between the cohort
    and the donors. The cohort's own entrants count once each, as they did: weighing them too would make its number
    noisier than those of its stand-ins (DECISIONS.md). Every period of such a block weighs alike, and a donor weighs by
    its persons. With "none" everybody counts once.

    The base is the mean of the `base_periods` periods up to the window. A donor without entrants in a base or exposed
    period, or whose persons cannot be weighted to the target, is left out (`left_out` tells them). Meant for cohorts of
    one or a few treated clusters: unlike a propensity, the weights exist however few are treated. The influence takes
    them as given; refits and stand-ins make them anew.
    """

    anticipation: int = 0
    base_periods: int = 1
    adjustment: str = "none"
    name: str = "entropy_balancing"
    source: str = (
        "Hainmueller (2012), Political Analysis 20(1), equations 3 to 5, in each period's contrast of a "
        "difference-in-differences"
    )
    assumes: frozenset[Assumption] = frozenset({Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION})
    comparison: ClassVar[str] = "never"

    def __post_init__(self) -> None:
        if self.anticipation < 0 or self.base_periods < 1 or self.adjustment not in ("none", "weighting"):
            raise ValueError(
                f"entropy_balancing: anticipation {self.anticipation}, base_periods {self.base_periods}, adjustment "
                f"'{self.adjustment}'; expected 0 or more, 1 or more, and 'none' or 'weighting'"
            )

    def fit(self, panel: Data) -> Fit:
        """Return effects (C,) and influence summed to clusters (G, C); `scale` is the number of rows.

        Raises PanelError where a treated cluster has an empty base or exposed period, where fewer than five donors can
        be weighted to its cohort's composition, and for covariates of too many different values.
        """
        strata, own = self._read(panel)
        known = self._cohorts(strata, own)
        for one in known:
            one.refuse()
        effects = [one.effect()[:, 0] for one in known]
        cells = [(i, t) for i, effect in enumerate(effects) for t in np.flatnonzero(np.isfinite(effect)).tolist()]
        return Fit(
            cells=tuple(Cell(panel.unit, known[i].start, t, known[i].base) for i, t in cells),
            effect=np.array([effects[i][t] for i, t in cells]),
            influence=strata.rows * np.column_stack([known[i].influence(t) for i, t in cells]),
            scale=strata.rows,
        )

    def effects_without_each_cluster(self, panel: Data, cells: tuple[Cell, ...]) -> Floats:
        """Return the effects (G, C) of `cells` refitted without each cluster in turn; NaN where a cell drops out.

        The weights of a donor's persons are its own, so without a donor only the average over donors is made anew.
        """
        strata, own = self._read(panel)
        left = {one.start: one.without_each() for one in self._cohorts(strata, own)}
        whole = np.all([np.isfinite(effect).any(axis=1) | (own == s) for s, effect in left.items()], axis=0)
        out = np.full((own.size, len(cells)), np.nan)
        quick = whole & ((own == NEVER) | (self.adjustment == "none"))
        for column, cell in enumerate(cells):
            out[quick, column] = left[cell.cohort][quick, cell.period]
        if self.adjustment != "none":
            for cluster in np.flatnonzero(own != NEVER):  # its cohort's composition is another one
                rest = self._without_treated(panel, int(cluster))
                out[cluster] = [rest.get((c.cohort, c.period), np.nan) for c in cells]
        return out

    def effects_when_assigned(self, panel: Data, cohort: Ints) -> tuple[tuple[Cell, ...], Floats]:
        """Return cells and their effects (S, C) had the clusters started by `cohort` (S, G); NaN where one drops out.

        Each set that stands in has its own composition, to which all the others are weighted.
        """
        strata, _ = self._read(panel)
        cells: list[Cell] = []
        columns: list[Floats] = []
        for start in _starts(cohort):
            rows = np.flatnonzero((cohort == start).any(axis=1))
            found = self._compared(strata, start, (cohort[rows] == start).T, (cohort[rows] == NEVER).T)
            if found is None:
                continue
            effect = np.where(found.is_answered, found.effect(), np.nan)
            for period in range(strata.periods):
                column = np.full(len(cohort), np.nan)
                column[rows] = effect[period]
                cells.append(Cell(panel.unit, start, period, found.base))
                columns.append(column)
        return tuple(cells), np.column_stack(columns) if columns else np.empty((len(cohort), 0))

    def left_out(self, panel: Data) -> LeftOut:
        """Return who is not compared, in the cohort where that is worst; PanelError without a base."""
        found = self._cohorts(*self._read(panel))
        return min((one.left_out() for one in found), key=lambda one: (-one.treated, one.donors))

    def balance(self, panel: Data) -> Balance:
        """Return how the comparison of the cohort that is weighted most is weighted; raises as `fit`."""
        strata, own = self._read(panel)
        known = [one.balance(strata) for one in self._cohorts(strata, own)]
        return min(known, key=lambda one: one.effective / one.persons)

    def _cohorts(self, strata: Strata, own: Ints) -> list[_Compared]:
        """Return the contrast of each cohort that has a base; PanelError when none has."""
        found = [self._compared(strata, start, (own == start)[:, None], own == NEVER) for start in _starts(own)]
        if not (known := [one for one in found if one is not None]):
            raise PanelError(
                "entropy_balancing: 0 cohorts have a period before their window; expected one. Lengthen the panel "
                "before the first start."
            )
        return known

    def _without_treated(self, panel: Data, cluster: int) -> dict[tuple[int, int], float]:
        try:
            fit = self.fit(without_clusters(panel, [cluster]))
        except PanelError:
            return {}
        return {(c.cohort, c.period): e for c, e in zip(fit.cells, fit.effect.tolist(), strict=True)}

    def _read(self, panel: Data) -> tuple[Strata, Ints]:
        """Return the counts and each cluster's start (G,)."""
        strata = strata_of(panel, is_adjusted=self.adjustment != "none")
        own = np.full(strata.persons.shape[0], NEVER, dtype=np.int64)
        own[panel.cluster] = panel.cohort
        if mixed := np.unique(panel.cluster[panel.cohort != own[panel.cluster]]).size:
            raise PanelError(
                f"entropy_balancing: {mixed} of {own.size} clusters have rows of several starts; expected one start "
                "per cluster. Treat whole clusters."
            )
        return strata, own

    def _compared(self, strata: Strata, start: int, members: Bools, donors: Bools) -> _Compared | None:
        """Return the contrasts of `members` (G, B) with `donors` (G,) or (G, B); None without a period for a base."""
        last = start - 1 - self.anticipation
        if last < 0:
            return None
        first = max(last + 1 - self.base_periods, 0)
        base, exposed = range(first, last + 1), range(start, strata.periods)
        mass, own = strata.behind((*base, *exposed)), strata.raw()[:, :, None]
        path = np.full((len(members), strata.periods, members.shape[1]), np.nan)
        is_balanced, weights = np.broadcast_to(mass[:, None] > 0, members.shape), []
        for block in (range(first), base, range(last + 1, start), exposed):
            if not len(block):
                continue
            found = strata.tilted(block, strata.composition(block, mass[:, None] * members))
            path[:, block.start : block.stop] = strata.means(block, found)
            if block in (base, exposed):
                is_balanced = is_balanced & (found.is_balanced | members)
                weights.append((block, found.weight))
        path = np.where(members[:, None], own, path)
        donors = np.broadcast_to(donors.reshape(len(members), -1), members.shape) & ~members
        return _Compared(start, last, _since(path, base), mass, members, donors, is_balanced, weights)


@dataclass(frozen=True, slots=True)
class _Compared:
    """B contrasts of one start: who is in them, everybody's weighted path, and the effects."""

    start: int
    base: int  # its last period
    change: Floats  # (G, T, B) weighted mean outcomes less their mean over the base; NaN where unknown
    mass: Floats  # (G,) persons, 0 where a base or exposed period is empty
    members: Bools  # (G, B)
    candidates: Bools  # (G, B) never exposed
    is_balanced: Bools  # (G, B) in base and exposed periods
    weights: list[tuple[range, Floats]]  # of base and exposed periods

    @property
    def donors(self) -> Bools:
        return self.candidates & self.is_balanced

    @property
    def is_answered(self) -> Bools:
        """Return which contrasts (B,) have all their members balanced and enough donors."""
        return np.asarray(~(self.members & ~self.is_balanced).any(axis=0) & (self.donors.sum(axis=0) >= FEWEST))

    def effect(self) -> Floats:
        """Return the effects (T, B), NaN where a period is unknown or fewer than FEWEST donors are known in it."""
        number = (self.donors[:, None] & np.isfinite(self.change)).sum(axis=0)
        effect = self._mean(self.members & self.is_balanced) - self._mean(self.donors)
        return np.where(number >= FEWEST, effect, np.nan)

    def refuse(self) -> None:
        """Raise PanelError when the first contrast is not answered."""
        left = self.left_out()
        if left.treated:
            raise PanelError(
                f"entropy_balancing: {left.treated} of {self.members[:, 0].sum()} treated clusters have a base or "
                "exposed period without entrants; expected none. Use longer periods."
            )
        if left.donors < FEWEST:
            raise PanelError(
                f"entropy_balancing: {left.donors} donors are left, {len(left.empty)} having an empty period and "
                f"{len(left.outside)} persons that cannot be weighted to the treated; expected {FEWEST} or more. Use "
                "longer periods or coarser covariates."
            )

    def left_out(self) -> LeftOut:
        """Return who is not in the first contrast."""
        lost = self.candidates[:, 0] & ~self.is_balanced[:, 0]
        empty, outside = (np.flatnonzero(lost & (each > 0)).tolist() for each in (self.mass == 0, self.mass))
        treated = int((self.members & ~self.is_balanced)[:, 0].sum())
        return LeftOut(int(self.donors[:, 0].sum()), tuple(empty), tuple(outside), treated)

    def influence(self, period: int) -> Floats:
        """Return the influence (G,) of the first contrast in a period, not scaled."""
        change, out = self.change[:, period, 0], np.zeros(self.mass.size)
        for side, sign in ((self.members & self.is_balanced, 1.0), (self.donors, -1.0)):
            weight = np.where(side[:, 0] & np.isfinite(change), self.mass, 0.0)
            used = weight > 0
            share = weight[used] / weight[used].sum()
            out[used] += sign * share * (change[used] - share @ change[used])
        return out

    def without_each(self) -> Floats:
        """Return the effects (G, T) of the first contrast without each cluster in turn.

        NaN where no treated one is left, and where fewer than FEWEST donors are known.
        """
        change, sides = self.change[:, :, 0], []
        for side in (self.members[:, 0] & self.is_balanced[:, 0], self.donors[:, 0]):
            known = side[:, None] & np.isfinite(change)
            weight = np.where(known, self.mass[:, None], 0.0)
            part = weight * np.where(weight > 0, change, 0.0)
            total = np.where(weight.sum(axis=0) - weight > 0, weight.sum(axis=0) - weight, np.nan)
            sides.append((part.sum(axis=0) - part) / total)
        return np.where(known.sum(axis=0) - known >= FEWEST, sides[0] - sides[1], np.nan)  # of the donors

    def balance(self, strata: Strata) -> Balance:
        """Return how the comparison of the first contrast is weighted."""
        self.refuse()
        share = np.where(self.donors[:, 0], self.mass, 0.0)
        share = share / share.sum()
        worst: tuple[float, float, float] | None = None
        for block, weights in self.weights:
            persons = strata.persons[:, block.start : block.stop]
            mass = (persons * weights[:, None, :, 0]).sum(axis=2)
            used = (mass > 0) & (share > 0)[:, None]
            per = np.where(used, share[:, None] / np.where(used, mass, 1.0), 0.0) / used.any(axis=0).sum()
            each = per[:, :, None] * weights[:, None, :, 0]  # what one person weighs
            number = float((persons * used[:, :, None]).sum())
            found = (1 / float((persons * each**2).sum()), number, float(each[persons > 0].max()))
            if worst is None or found[0] / found[1] < worst[0] / worst[1]:
                worst = found
        assert worst is not None
        return Balance(worst[1], worst[0], worst[2])

    def _mean(self, side: Bools) -> Floats:
        """Return the mean change (T, B) by persons of the clusters on one side (G, B); NaN where nobody is known."""
        change = self.change[:, :, : side.shape[1]]
        weight = np.where(side[:, None] & np.isfinite(change), self.mass[:, None, None], 0.0)
        total = weight.sum(axis=0)
        summed = (weight * np.where(np.isfinite(change), change, 0.0)).sum(axis=0)
        return np.divide(summed, total, out=np.full(total.shape, np.nan), where=total > 0)


def _since(path: Floats, base: range) -> Floats:
    """Return paths (G, T, B) less their mean over the known periods of the base; NaN without any."""
    before = path[:, base.start : base.stop]
    known = np.isfinite(before)
    number = known.sum(axis=1, keepdims=True)
    total = np.where(known, before, 0.0).sum(axis=1, keepdims=True)
    return path - np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def _starts(cohort: Ints) -> list[int]:
    found = np.unique(cohort)
    return found[found != NEVER].tolist()
