"""What may be published of an average and its parts: an estimate by the rule of `rule`, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference.each_treated import EachTreated, OneByOne
from evaluator.inference.ferman_pinto import ferman_pinto
from evaluator.inference.few_treated import of_any_size
from evaluator.inference.judged import too_few_donors
from evaluator.inference.leave_one_out import Replicates, averages
from evaluator.inference.placebo import known_donors
from evaluator.inference.rule import FEW, has_error
from evaluator.inference.support import is_only_never
from evaluator.vocabulary import NEVER, Estimate, NotEstimable, Panel, Sections

MIN_PRE_PERIODS = 2


@dataclass(frozen=True, slots=True)
class Offered:
    """The overall effect and its parts as published: each an estimate or a refusal."""

    kind: str
    overall: Estimate | NotEstimable
    labels: tuple[Any, ...]  # (K,)
    parts: tuple[Estimate | NotEstimable, ...]  # (K,)


def estimates(estimator: Any, panel: Panel | Sections, kind: str, level: float = 0.95) -> Offered:
    """Return what may be published of an average and its parts.

    In the unit of the panel. Source of the thresholds: 2,000 draws of 98 municipalities without an effect, AR(1) 0.8.
    """
    try:
        loo = averages(estimator, panel, kind)
    except PanelError:
        return Offered(kind, no_cells(), (), ())
    placebos = _Placebos(estimator, panel, loo)
    numbers = [_one(estimator, loo, row, level, placebos) for row in range(loo.value.size)]
    return Offered(kind, numbers[0], loo.aggregate.labels, tuple(numbers[1:]))


def overall(
    estimator: Any, panel: Panel | Sections, kind: str, level: float = 0.95
) -> tuple[Estimate | NotEstimable, Replicates | None]:
    """Return what may be published of the overall effect alone, and the refits behind it (none without cells)."""
    try:
        loo = averages(estimator, panel, kind)
    except PanelError:
        return no_cells(), None
    return _one(estimator, loo, 0, level, _Placebos(estimator, panel, loo)), loo


class _Placebos:
    """Placebos of all numbers by the cohorts behind them: numbers share the refits of each cluster and each donor."""

    def __init__(self, estimator: Any, panel: Panel | Sections, loo: Replicates) -> None:
        self._estimator, self._panel, self._loo = estimator, panel, loo
        self._refits: OneByOne | None = None  # made when a number of few treated is met
        self._made: dict[tuple[int, ...], EachTreated] = {}

    def of(self, row: int) -> EachTreated:
        """Return the placebos of the cohorts behind a number; raises as `OneByOne.of`."""
        weights, aggregate = self._loo.aggregate.weights[row], self._loo.aggregate
        starts = tuple(sorted({c.cohort for c, w in zip(self._loo.cells, weights, strict=True) if w > 0}))
        self._refits = self._refits or OneByOne(self._estimator, self._panel)
        if starts not in self._made:
            self._made[starts] = self._refits.of(aggregate.kind, np.array(starts), (None, *aggregate.labels))
        return self._made[starts]


def _one(estimator: Any, loo: Replicates, row: int, level: float, placebos: _Placebos) -> Estimate | NotEstimable:
    treated = int(loo.treated[row])
    if treated == 0 or not np.isfinite(loo.value[row]):
        return no_cells()
    if is_base(loo, row):
        return NotEstimable(
            "Tallet er sammenligningens udgangspunkt og er nul pr. definition.", "Vælg en anden periode."
        )
    if (weak := weak_base(estimator, loo, row)) is not None:
        return weak
    if not has_error(loo.treated[row]):
        return _by_randomisation(placebos, loo, row, level) if loo.is_alike[row] else few_treated(treated)
    return by_error(loo, row, level)


@dataclass(frozen=True, slots=True)
class Support:
    """What stands behind a number. Infinite `freedom` says that its error is that of the influence function."""

    persons: float
    clusters: int
    treated: int
    freedom: float


def by_error(loo: Replicates, row: int, level: float) -> Estimate | NotEstimable:
    """Return the estimate with a normal or t interval; refused without variation or when a refit drops out."""
    value, treated = float(loo.value[row]), int(loo.treated[row])
    columns, freedom = loo.by_rule()
    se = float(np.sqrt((columns[:, row] ** 2).sum()))
    if se == 0 or not loo.aggregate.influence[:, row].any():
        return no_variation(value)
    if not np.isfinite(se):
        if not has_error(treated):
            return few_treated(treated)
        return rests_on_one() if has_error(loo.compared[row]) else few_compared()
    return with_error(value, se, level, Support(float(loo.persons[row]), loo.clusters, treated, float(freedom[row])))


def with_error(value: float, se: float, level: float, support: Support) -> Estimate:
    """Return value, interval and p-value: t with the support's degrees of freedom, normal where they are infinite."""
    from scipy.stats import norm, t

    is_normal = np.isinf(support.freedom)
    law = norm if is_normal else t(support.freedom)
    reach = float(law.ppf((1 + level) / 2)) * se
    return Estimate(
        value=value,
        se=se,
        low=value - reach,
        high=value + reach,
        level=level,
        n=round(support.persons),
        clusters=support.clusters,
        treated_clusters=support.treated,
        method="influence_function" if is_normal else "leave_one_cluster_out",
        p_value=float(2 * law.sf(abs(value) / se)),
        freedom=None if is_normal else support.freedom,
    )


def _by_randomisation(placebos: _Placebos, loo: Replicates, row: int, level: float) -> Estimate | NotEstimable:
    """Return the number with Ferman and Pinto's test, donors brought to the size of each treated cluster in turn."""
    try:
        each_treated = placebos.of(row)
    except PanelError:
        return mixed_clusters()
    treated, share = each_treated.behind(row)
    if not each_treated.is_known(row):
        return not_alone() if treated else no_cells()
    donors = min(int(known_donors(each, row).sum()) for each in treated)
    if not of_any_size(donors, level).is_offered:
        return too_few_donors(donors)
    found = ferman_pinto(treated, share, column=row, level=level)
    value = float(share @ [each.effect[row] for each in treated])
    if isinstance(found, NotEstimable):
        return found if value else no_variation(value)
    persons, number = round(float(loo.persons[row])), int(loo.treated[row])
    clusters = number + donors  # a donor without persons in the base is none
    return Estimate(
        found.value, None, found.low, found.high, level, persons, clusters, number, found.method, found.p_value
    )


def weak_base(estimator: Any, loo: Replicates, row: int) -> NotEstimable | None:
    """Return a refusal when the earliest cohort in the number has fewer than two observed periods to compare with."""
    before = periods_before(estimator, loo, row)
    if before >= MIN_PRE_PERIODS:
        return None
    periods = "periode" if before == 1 else "perioder"
    return NotEstimable(
        f"Der er kun data for begge grupper i {before} {periods} før første start, som ikke selv kan være påvirket; "
        f"der kræves mindst {MIN_PRE_PERIODS}.",
        "Hent data længere tilbage, eller vælg en kortere horisont.",
    )


def periods_before(estimator: Any, loo: Replicates, row: int) -> int:
    """Return how many periods before the window of anticipation hold both sides of the number's earliest cohort.

    Periods of the calendar in which either side has no persons do not count.
    """
    weights = loo.aggregate.weights[row]
    first = min((cell.cohort for cell, w in zip(loo.cells, weights, strict=True) if w > 0), default=0)
    compared = loo.cohorts == NEVER if is_only_never(estimator) else loo.cohorts > first
    both = loo.present[loo.cohorts == first].any(axis=0) & loo.present[compared].any(axis=0)
    return int(both[: max(first - getattr(estimator, "anticipation", 0), 0)].sum())


def is_base(loo: Replicates, row: int) -> bool:
    """Return whether the number is the base of a universal base, compared with itself."""
    used = [cell for cell, w in zip(loo.cells, loo.aggregate.weights[row], strict=True) if w > 0]
    return all(cell.period == cell.base for cell in used) and not loo.aggregate.influence[:, row].any()


def no_cells() -> NotEstimable:
    """Return the refusal for a number without treated or comparison clusters."""
    return NotEstimable(
        "Ingen periode har både indsatskommuner og kommuner at sammenligne med.",
        "Udvid sammenligningsgruppen, eller forlæng panelet før første start.",
    )


def few_treated(treated: int) -> NotEstimable:
    """Return the refusal for an interval that needs more treated clusters."""
    return NotEstimable(
        f"Kun {treated} kommuner med indsats ligger bag tallet; et samlet bånd kræver mindst {FEW}.",
        "Flere kommuner med indsats, eller brug af placebofordelingen.",
    )


def mixed_clusters() -> NotEstimable:
    """Return the refusal for a placebo test of clusters whose persons start at several times or in part not at all."""
    return NotEstimable(
        "Nogle kommuner har personer med hver sin start eller uden, så ingen anden kommune kan træde i deres sted.",
        "Mindst 5 kommuner med indsats, eller en indsats til hele kommuner.",
    )


def not_alone() -> NotEstimable:
    """Return the refusal for a number of few treated of which one has no effect of its own."""
    return NotEstimable(
        "En af kommunerne med indsats kan ikke sammenlignes for sig, så dens tilfældige udsving kan ikke måles.",
        "Flere borgere i kommunen før og efter starten, eller færre træk at justere for.",
    )


def no_variation(value: float) -> NotEstimable:
    """Return the refusal for a number that no cluster moves: an outcome that nobody or everybody compared has."""
    if value == 0:
        return NotEstimable(
            "Udfaldet forekommer ikke blandt dem, der sammenlignes, så der er intet at beregne.",
            "Et hyppigere udfald.",
        )
    return NotEstimable(
        "Udfaldet er ens i alle kommuner i hver gruppe, så usikkerheden kan ikke måles.", "Et mere varieret udfald."
    )


def few_compared() -> NotEstimable:
    """Return the refusal for an interval that needs more comparison clusters, or some whose outcome varies."""
    return NotEstimable(
        f"Tallet bevæges af færre end {FEW} sammenligningskommuner, så usikkerheden kan ikke måles.",
        "Flere sammenligningskommuner, et længere panel eller et hyppigere udfald.",
    )


def rests_on_one() -> NotEstimable:
    """Return the refusal for a number that a refit without one of its clusters does not determine."""
    return NotEstimable(
        "Uden en enkelt kommune kan tallet ikke beregnes, så usikkerheden kan ikke måles.",
        "Flere kommuner på begge sider, eller færre egenskaber at tage højde for.",
    )


def no_pre_periods() -> NotEstimable:
    """Return the refusal for a pre-trend without two periods before the start that can be compared."""
    return NotEstimable(
        "Ingen periode før første start kan sammenlignes med en anden, så parallel udvikling kan ikke prøves.",
        "Hent data længere tilbage, eller vælg en kortere horisont.",
    )
