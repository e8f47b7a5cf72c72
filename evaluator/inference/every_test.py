"""Every test of an overall effect that rests on few treated clusters, by the rule of `few_treated`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference.each_treated import EachTreated, placebos
from evaluator.inference.few_treated import BeforeStart, variance_before
from evaluator.inference.placebo import known_donors
from evaluator.inference.side_by_side import Tested, Treated, side_by_side
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Placebos, Sections


def every_test(estimator: Any, data: Sections, level: float = 0.95) -> tuple[Tested, ...]:
    """Return every test of the overall effect, offered or why not; none where a treated cluster has no effect alone."""
    try:
        each = placebos(estimator, data, "simple")
    except PanelError:
        return ()
    if not each.is_known(0):
        return ()
    return side_by_side(Treated(*each.behind(0)), before_start(estimator, data, each), level)


def before_start(estimator: Any, data: Sections, each: EachTreated) -> BeforeStart:
    """Return what decides about the tests of the overall effect, from periods before anybody could react to a start.

    All start at once in the middle of these, falsely: the later half less the earlier, without a window of
    anticipation. That tells a against b; the effect's own length does not enter the rule. Without a false start all
    variance is taken to come from persons. No residuals are moved over time, so the autocorrelation is not asked for.
    """
    treated, share = each.behind(0)
    known = np.all([known_donors(one, 0) for one in treated], axis=0)
    start = int(data.cohort.min())
    free = max(start - int(getattr(estimator, "anticipation", 0)), 0)
    a, b = 0.0, 1.0
    if earlier := _false_start(estimator, data, free):
        a, b = variance_before(earlier)
    return BeforeStart(
        treated=np.array([one.treated_size for one in treated]),
        donors=treated[0].size[known],
        share=share,
        a=a,
        b=b,
        periods_before=free,
        periods_after=len(data.periods) - start,
        autocorrelation=0.0,
    )


def _false_start(estimator: Any, data: Sections, free: int) -> Sequence[Placebos]:
    """Return the placebos at a start in the middle of the periods before `free`, each donor once; none for too few."""
    early = data.period < free
    seen = np.unique(data.period[early])
    if seen.size < 2:
        return []
    middle = int(seen[seen.size // 2])
    inside = select(data, early)
    assert isinstance(inside, Sections)
    inside = replace(inside, periods=inside.periods[:free], cohort=np.where(inside.cohort == NEVER, NEVER, middle))
    has = is_dataclass(estimator) and "anticipation" in {field.name for field in fields(estimator)}
    method = replace(estimator, anticipation=0) if has else estimator
    try:
        found = placebos(method, inside, "simple")
    except PanelError:
        return []
    if not found.is_known(0) or not found.treated[0].donors.any():
        return []
    first, *others = found.treated
    return [first, *(replace(one, donors=one.donors[:0], size=one.size[:0]) for one in others)]
