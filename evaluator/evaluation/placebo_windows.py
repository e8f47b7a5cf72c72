"""False starts before anything happened: the very estimate of a design where the truth is known to be nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from evaluator.diagnostics.detectable_effect import Arms, History, Placebo, effective
from evaluator.diagnostics.power_by_horizon import Span, Trial
from evaluator.errors import PanelError
from evaluator.estimators.mean_log_change import MeanLogChange
from evaluator.inference.aggregation import aggregate, clustered
from evaluator.inference.judged import MIN_DONORS
from evaluator.inference.offered import MIN_PRE_PERIODS
from evaluator.inference.support import compared_with, persons
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Ints, Panel, Sections

SEED = 20_170_101


@dataclass(frozen=True, slots=True)
class Window:
    """How many periods each part of the design gets: the base, the window of anticipation, and from the start on."""

    base: int
    gap: int
    post: int

    @property
    def periods(self) -> int:
        return self.base + self.gap + self.post

    def within(self, periods: int) -> Window:
        """Return the window as far as `periods` allow: the base first, then as much after the start, then the gap."""
        base = min(self.base, periods // 2)
        gap = min(self.gap, max(periods - 2 * base, 0))
        return Window(base, gap, min(self.post, periods - base - gap))


@dataclass(frozen=True, slots=True)
class Trials:
    """What the false starts gave, for a window that slides over `dates` first starts; the rest is of its last place."""

    placebo: Placebo
    window: Window
    dates: int
    arms: Arms  # of the treated at their false starts, as the run counts them
    persons: float  # treated persons behind that number
    history: History  # base and after, of the clusters that have persons in all of these periods


def trials(estimator: Any, data: Sections, starts: Mapping[Any, int], window: Window, draws: int = 300) -> Trials:
    """Return the effects of drawing as many clusters as are treated and giving them false starts.

    `data` hold periods without any effect, `starts` each treated cluster's delay after the first start in periods, by
    label; delays shrink with the window. At most about `draws` sets, disjoint within a round, over all dates that the
    window can slide to. In the unit of the data. Raises PanelError when the data are too short or too empty.
    """
    periods = np.unique(data.period)
    if periods.size < 2 * MIN_PRE_PERIODS:
        raise PanelError(
            f"plan: {periods.size} entry periods are observed before the start; expected {2 * MIN_PRE_PERIODS} or "
            "more. Deliver earlier data."
        )
    fitted = window.within(int(periods.size))
    dates = periods[fitted.base + fitted.gap : periods.size - fitted.post + 1]
    kept, whole = fitted.post - 1, max(window.post - 1, 1)
    delay = np.array(list(starts.values()), dtype=np.int64) * kept // whole
    method = _fitted(estimator, fitted)
    rng, found = np.random.default_rng(SEED), list[tuple[float, float, float]]()
    for date in dates:
        inside = _inside(data, fitted, int(date))
        for members in _sets(rng, len(inside.clusters), delay.size, -(-draws // dates.size)):
            found += _trial(method, inside, members, date + delay)
    last = _inside(data, fitted, int(dates[-1]))
    own = dict(zip(starts, dates[-1] + delay, strict=True))
    last = _started(last, np.array([own.get(label, NEVER) for label in last.clusters], dtype=np.int64))
    entered = (last.cohort != NEVER) & (last.period >= dates[-1]) & (last.weight > 0)
    known = np.unique(last.cluster[entered]).size
    if len(found) < MIN_DONORS or known < len(starts):
        raise PanelError(
            f"plan: {len(found)} false starts and {known} of {len(starts)} treated "
            f"municipalities have entrants before the start; expected {MIN_DONORS} and all. Widen the population."
        )
    placebo = Placebo(*(np.array(part) for part in zip(*found, strict=True)))
    shrunk = replace(fitted, gap=min(window.gap * kept // whole, fitted.gap))  # as the delays: who is not yet exposed
    _, arms, behind = _number(_fitted(estimator, shrunk), last)
    return Trials(placebo, fitted, dates.size, arms, behind, _history(last, fitted, int(dates[-1])))


def series_trials(method: MeanLogChange, panel: Panel) -> list[Trial]:
    """Return every false start of `panel` that has its periods inside it, each unit in the treated one's place."""
    found: list[Trial] = []
    gap, after = method.anticipation, method.periods_after
    for start in range(method.window + gap, len(panel.periods) - after + 1):
        try:
            one = method.fit(replace(panel, cohort=np.where(panel.cohort == NEVER, NEVER, start)))
        except PanelError:  # a number of the treated one is unknown there
            continue
        effect, size = np.append(one.donors[:, 0], one.effect), np.append(one.size, one.treated_size)
        found.append(Trial(Span(start, method.window, after, gap), effect, size))
    return found


def _fitted(estimator: Any, window: Window) -> Any:
    """Return the estimator with the window's base and gap, as far as it has such choices."""
    known = {field.name for field in fields(estimator)}
    choices = {"anticipation": window.gap, "base_periods": window.base}
    return replace(estimator, **{name: value for name, value in choices.items() if name in known})


def _inside(data: Sections, window: Window, date: int) -> Sections:
    """Return the sections of a window whose first false start is `date`."""
    first = date - window.gap - window.base
    chosen = select(data, (data.period >= first) & (data.period < date + window.post))
    assert isinstance(chosen, Sections)
    return chosen


def _sets(rng: np.random.Generator, clusters: int, treated: int, wanted: int) -> list[Ints]:
    """Return sets of `treated` clusters, each round of them disjoint: with one treated, every cluster once at most."""
    per_round = clusters // treated
    rounds = 1 if treated == 1 else -(-wanted // max(per_round, 1))
    out: list[Ints] = []
    for _ in range(rounds):
        order = rng.permutation(clusters)
        out += [order[place * treated : (place + 1) * treated] for place in range(per_round)]
    return out[:wanted]


def _trial(method: Any, data: Sections, members: Ints, starts: Ints) -> list[tuple[float, float, float]]:
    """Return the effect of a set with these starts, its concentration and its persons; nothing where it has none."""
    cohort = np.full(len(data.clusters), NEVER, dtype=np.int64)
    cohort[members] = starts
    try:
        effect, arms, behind = _number(method, _started(data, cohort))
    except PanelError:
        return []
    return [(effect, 1 / effective(arms.treated), behind)] if np.isfinite(effect) and behind > 0 else []


def _started(data: Sections, cohort: Ints) -> Sections:
    """Return the sections with the starts `cohort` (G,)."""
    return replace(data, cohort=cohort[data.cluster])


def _number(method: Any, data: Sections) -> tuple[float, Arms, float]:
    """Return the overall effect, the clusters behind it and the treated persons behind it, as a run counts them."""
    fit, support = method.fit(data), persons(data)
    whole = aggregate(fit, data, "simple")
    weights, free = whole.weights[:1], compared_with(method, fit.cells, support.cohorts)
    others, free = support.moving(clustered(fit.influence, data.cluster), free)
    sides = (support.shares(weights, fit.cells)[:, 0], others.compared(weights, fit.cells, free)[:, 0])
    return whole.value, Arms(*(side[side > 0] for side in sides)), float(support.behind(weights, fit.cells)[0])


def _history(data: Sections, window: Window, date: int) -> History:
    """Return mean outcomes of the clusters with persons in every period of the base and from the start on."""
    first = date - window.gap - window.base
    shape = (len(data.clusters), window.periods)
    slot = data.cluster * window.periods + data.period - first
    count = np.bincount(slot, weights=data.weight, minlength=shape[0] * shape[1]).reshape(shape)
    total = np.bincount(slot, weights=data.weight * data.outcome, minlength=shape[0] * shape[1]).reshape(shape)
    used = np.delete(np.arange(window.periods), np.arange(window.base, window.base + window.gap))
    whole = (count[:, used] > 0).all(axis=1)
    here = np.ix_(whole, used)
    return History(total[here] / count[here], count[here].sum(axis=1), window.base)
