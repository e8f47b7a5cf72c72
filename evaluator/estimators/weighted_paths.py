"""A treated path against a weighted average of donors' paths, and every donor's in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import NEVER, Bools, Floats, Ints, Panel, Placebos

MIN_BEFORE = 2
"""Periods before the window of anticipation that a comparison of paths needs."""
MIN_DONORS = 2
"""Donors that are needed for one of them to stand in for the treated with somebody left to compare with."""


@dataclass(frozen=True, slots=True)
class Paths:
    """What happened and what the weights say would have happened: the treated unit first, then D donors in its place.

    In the unit of the panel. The donors' pools leave the treated unit out.
    """

    units: Ints  # (1 + D,) rows of the panel
    start: int  # first exposed period
    before: int  # the periods 0 to before - 1 are the base; those up to the start belong to neither side
    actual: Floats  # (1 + D, T)
    counterfactual: Floats  # (1 + D, T)
    weights: Floats  # (1 + D, N) of donors, each row sums to 1
    period_weights: Floats  # (1 + D, T) of the base, each row sums to 1; zeros where levels are matched as they are
    objective: Floats  # (1 + D,) what the weights minimise, in the unit of the panel squared
    slack: Floats  # (1 + D,) duality gap reached, see `simplex.Weights`

    @property
    def gap(self) -> Floats:
        """Return actual less counterfactual (1 + D, T)."""
        return self.actual - self.counterfactual

    @property
    def effect(self) -> Floats:
        """Return the mean gap from the start on (1 + D,)."""
        return np.asarray(self.gap[:, self.start :].mean(axis=1))


@dataclass(frozen=True, slots=True)
class Contrast:
    """Units that start together and the donors they may be compared with, as rows of a panel."""

    panel: Panel
    treated: Ints  # (m,)
    donors: Ints  # (D,)
    start: int
    before: int

    @property
    def target(self) -> Floats:
        """Return the mean path of the treated (T,)."""
        return np.asarray(self.panel.outcome[self.treated].mean(axis=0))

    @property
    def pool(self) -> Floats:
        """Return the donors' paths (D, T)."""
        return self.panel.outcome[self.donors]

    def of_donor(self, donor: int) -> Contrast:
        """Return the contrast of a donor in the place of the treated, who are left out."""
        return replace(self, treated=np.array([donor]), donors=self.donors[self.donors != donor])


@dataclass(frozen=True, slots=True)
class Match:
    """The weights of one contrast and what they leave."""

    weight: Floats  # (D,)
    period_weight: Floats  # (before,)
    gap: Floats  # (T,)
    objective: float
    slack: float


class Matching(Protocol):
    """What an estimator of weighted paths offers: its weights for one contrast."""

    @property
    def name(self) -> str: ...
    @property
    def exclude(self) -> tuple[str, ...]: ...
    @property
    def anticipation(self) -> int: ...
    def match(self, contrast: Contrast) -> Match: ...


def gap_of(target: Floats, pool: Floats, weight: Floats, period_weight: Floats) -> Floats:
    """Return the gap (T,) of `target` (T,) to `weight` (D,) times `pool` (D, T), less its mean by `period_weight`.

    The first periods have the period weights; with none of them levels are compared as they are. Its mean from the
    start on is the weighted double difference of Arkhangelsky et al. (2021), equation 1, solved for the effect.
    """
    gap = target - weight @ pool
    return np.asarray(gap - period_weight @ gap[: period_weight.size])


def paths_of(method: Matching, panel: Panel) -> Paths:
    """Return the paths of the only treated unit and of every donor in its place.

    Raises PanelError as `contrasts_of`, and unless exactly one unit is treated.
    """
    from threadpoolctl import threadpool_limits

    contrasts = contrasts_of(method, panel)
    treated = sum(contrast.treated.size for contrast in contrasts)
    if treated != 1:
        raise PanelError(
            f"{method.name}: {treated} units have a start; expected one for paths. Take one of them at a time, or use "
            "`fit`, which averages over them."
        )
    own = contrasts[0]
    every = [own, *(own.of_donor(int(donor)) for donor in own.donors)]
    with threadpool_limits(limits=1):  # the same digits on any number of threads, and faster on small matrices
        matches = [method.match(contrast) for contrast in every]
    weights = np.zeros((len(every), panel.cohort.size))
    for row, contrast, match in zip(weights, every, matches, strict=True):
        row[contrast.donors] = match.weight
    period_weights = np.zeros((len(every), len(panel.periods)))
    period_weights[:, : own.before] = [match.period_weight for match in matches]
    units = np.append(own.treated, own.donors)
    return Paths(
        units=units,
        start=own.start,
        before=own.before,
        actual=panel.outcome[units],
        counterfactual=panel.outcome[units] - [match.gap for match in matches],
        weights=weights,
        period_weights=period_weights,
        objective=np.array([match.objective for match in matches]),
        slack=np.array([match.slack for match in matches]),
    )


def placebos_of(method: Matching, panel: Panel) -> Placebos:
    """Return the mean effect from the start on (column 0) and the gap in each period (columns 1 to T).

    Of several treated units those that start together are matched as their mean. The overall effect then averages the
    cohorts' effects by exposed cells (units x periods from the start on), and a gap averages over all treated units;
    sets of donors that are given the same starts stand in for them, the others being their pool. Persons are summed.

    Raises PanelError as `contrasts_of`.
    Source of the average: Clarke, Pailañir, Athey and Imbens (2024), Stata Journal 24(4); Arkhangelsky et al. (2021),
    appendix on staggered adoption.
    """
    contrasts = contrasts_of(method, panel)
    treated = np.concatenate([contrast.treated for contrast in contrasts])
    if treated.size == 1:
        paths = paths_of(method, panel)
        columns = np.column_stack([paths.effect, paths.gap])
        size = panel.weight[paths.units]
        return Placebos(columns[0], columns[1:], size[1:], float(size[0]))
    return _of_sets(method, contrasts, treated)


def _of_sets(method: Matching, contrasts: Sequence[Contrast], treated: Ints) -> Placebos:
    """Return the effects of several treated units and of sets of donors in their place."""
    from threadpoolctl import threadpool_limits

    from evaluator.inference.placebo import donor_sets

    panel, donors = contrasts[0].panel, contrasts[0].donors
    sets = [donors[members] for members in donor_sets(donors.size, panel.cohort[treated])]
    with threadpool_limits(limits=1):
        actual = _averaged(method, contrasts)
        table = [_averaged(method, _in_place(contrasts, members)) for members in sets]
    size = np.array([panel.weight[members].sum() for members in sets])
    columns = 1 + len(panel.periods)
    return Placebos(actual, np.reshape(table, (-1, columns)), size, float(panel.weight[treated].sum()))


def _in_place(contrasts: Sequence[Contrast], members: Ints) -> list[Contrast]:
    """Return the contrasts had `members` the starts of the treated, in the order of the contrasts."""
    free = contrasts[0].donors[~np.isin(contrasts[0].donors, members)]
    ends = np.cumsum([contrast.treated.size for contrast in contrasts])[:-1]
    parts = np.split(members, ends)
    return [replace(contrast, treated=part, donors=free) for contrast, part in zip(contrasts, parts, strict=True)]


def _averaged(method: Matching, contrasts: Sequence[Contrast]) -> Floats:
    """Return the overall effect and the gap in each period (1 + T,), averaged over cohorts."""
    gaps = np.array([method.match(contrast).gap for contrast in contrasts])
    units = np.array([contrast.treated.size for contrast in contrasts], dtype=np.float64)
    starts = [contrast.start for contrast in contrasts]
    cells = units * (gaps.shape[1] - np.array(starts))
    effects = np.array([gap[start:].mean() for gap, start in zip(gaps, starts, strict=True)])
    return np.append(np.average(effects, weights=cells), np.average(gaps, axis=0, weights=units))


def contrasts_of(method: Matching, panel: Panel) -> list[Contrast]:
    """Return a contrast for each start, earliest first; donors are the units without a start that are not excluded.

    Raises PanelError for a dose, when nobody or everybody is treated, fewer than two donors are left, a unit compared
    has an unknown cell, or a start has fewer than two periods before its window of anticipation.
    """
    name = method.name
    if panel.exposure is not None:
        raise PanelError(f"{name}: the panel has a dose; expected a start. Use an estimator of doses.")
    treated = panel.cohort != NEVER
    if not treated.any():
        raise PanelError(f"{name}: 0 units have a start within the panel; expected one or more. Check the date.")
    donors = ~treated & ~_excluded(panel, method.exclude)
    count = int(donors.sum())
    if count < MIN_DONORS:
        raise PanelError(
            f"{name}: {count} units are left to compare with; expected at least {MIN_DONORS}. Exclude fewer of them."
        )
    known = panel.observed & np.isfinite(panel.outcome)
    gaps = int((~known[treated | donors].all(axis=1)).sum())
    if gaps:
        raise PanelError(
            f"{name}: {gaps} of {count + int(treated.sum())} units have unknown cells; expected a number in every "
            "period. Shorten the panel, or name those that are no donors in 'exclude'."
        )
    found = []
    for start in np.unique(panel.cohort[treated]).tolist():
        before = start - method.anticipation
        if before < MIN_BEFORE:
            raise PanelError(
                f"{name}: {max(before, 0)} periods before the start are left as base; expected at least {MIN_BEFORE}. "
                "Lengthen the panel or move the date."
            )
        found.append(Contrast(panel, np.flatnonzero(panel.cohort == start), np.flatnonzero(donors), start, before))
    return found


def _excluded(panel: Panel, labels: tuple[str, ...]) -> Bools:
    """Return which rows (N,) have one of the labels; a label that no row has is an error."""
    names = [str(unit) for unit in panel.units] or [""] * panel.cohort.size
    strangers = len(set(labels) - set(names))
    if strangers:
        raise PanelError(
            f"exclude: {strangers} of {len(labels)} labels are no units of the panel; expected units. Check the codes."
        )
    return np.isin(names, labels) if labels else np.zeros(len(names), dtype=np.bool_)
