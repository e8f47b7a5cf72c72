"""What hazards to each exit are after meetings, by their kind (counselling or control, say) and the weeks since."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from evaluator.design.meeting_weeks import NO_MEETING, STAYED
from evaluator.errors import PanelError
from evaluator.estimators.exits.multinomial_hazard import MultinomialHazard, multinomial_hazard
from evaluator.vocabulary import Estimate, Floats, Ints, NotEstimable

if TYPE_CHECKING:
    import polars as pl

FEWEST = 10
"""Exits in the weeks after a kind of meeting, under which its hazard is not estimated."""
After = tuple[str, int | None]  # a kind of meeting, and the week since from which it is counted


@dataclass(frozen=True, slots=True)
class MeetingHazards:
    """Hazards to E exits after K kinds of meeting, each at some weeks since, against weeks without a meeting so far."""

    exits: tuple[str, ...]
    kinds: tuple[After, ...]
    events: Ints  # (E, K + 1) exits in the weeks after; the last of weeks without a meeting so far
    weeks: Ints  # (K + 1,)
    fit: MultinomialHazard  # the kinds are the last K columns of its design

    def ratio(
        self, leaving: str, kind: str, than: str | None = None, from_weeks: int | None = 0, level: float = 0.95
    ) -> Estimate | NotEstimable:
        """Return the log hazard ratio of weeks after a kind of meeting to weeks without, or as long after another kind.

        Refused under ten exits after either kind. `n` counts weeks. Source: Wald's interval of the fit.
        """
        exit_at = self.exits.index(leaving)
        places = [self.kinds.index((name, from_weeks)) for name in (kind, than) if name is not None]
        compared = [*places, len(self.kinds)] if than is None else places
        if self.events[exit_at, compared].min() < FEWEST:
            return NotEstimable(
                f"Færre end {FEWEST} afgange efter samtaler af den slags, eller i det, de sammenlignes med.",
                "En længere periode, flere kommuner eller slags samtaler lagt sammen.",
            )
        columns = self.fit.coefficient.shape[1]
        weights = np.zeros(self.fit.coefficient.size)
        first = exit_at * columns + columns - len(self.kinds)
        for place, sign in zip(places, (1.0, -1.0), strict=False):
            weights[first + place] += sign
        value = float(weights @ self.fit.coefficient.ravel())
        se = float(np.sqrt(weights @ self.fit.covariance @ weights))
        normal = NormalDist()
        reach = normal.inv_cdf((1 + level) / 2) * se
        return Estimate(
            value, se, value - reach, value + reach, level, round(self.fit.intervals), 0, 0, "multinomial_hazard",
            2 * normal.cdf(-abs(value) / se),
        )  # fmt: skip


def meeting_hazards(weeks: pl.DataFrame) -> MeetingHazards | NotEstimable:
    """Return cause-specific hazards by kind of the latest meeting, from the counts of `design.meeting_weeks`.

    log P(exit k in the week) / P(staying) is a constant, a step for each value of each column of history, and one for
    each kind of meeting and piece of the weeks since it. It is an association given the history: caseworkers call whom
    they find ready. The difference of two kinds is less exposed to that than a kind against none, and not free of it.
    Persons count as independent of one another. Raises PanelError when a column is absent.
    Source: Allison (1982), Sociological Methodology 13.
    """
    history = sorted(name for name in weeks.columns if name.startswith("history_"))
    if absent := {"kind", "from_weeks", "exit", "weeks"} - set(weeks.columns):
        raise PanelError(
            f"meetings: column '{min(absent)}' is absent; expected those of meeting_weeks. Check the frame."
        )
    after = list(zip(weeks["kind"].to_list(), weeks["from_weeks"].to_list(), strict=True))
    kinds = tuple(sorted({each for each in after if each[0] != NO_MEETING}))
    exits = tuple(sorted(set(weeks["exit"]) - {STAYED}))
    if not kinds or not exits:
        return NotEstimable(
            "Der er ingen samtaler eller ingen afgange.", "En længere periode eller en bredere målgruppe."
        )
    count = weeks["weeks"].to_numpy().astype(np.float64)
    code = np.array([exits.index(name) + 1 if name in exits else 0 for name in weeks["exit"].to_list()], dtype=np.int64)
    columns: list[Floats] = [np.ones(len(weeks))]
    for name in history:
        values = weeks[name].to_list()
        columns += [np.array([value == each for value in values], dtype=np.float64) for each in sorted(set(values))[1:]]
    of_kind = [np.array([each == kind for each in after], dtype=np.float64) for kind in kinds]
    fit = multinomial_hazard(np.column_stack([*columns, *of_kind]), code, exits=len(exits), weight=count)
    if isinstance(fit, NotEstimable):
        return NotEstimable(
            "Afgangene kan ikke skelnes inden for den historie, der sammenlignes i.",
            "Flere borgere, eller bredere grupper i historien.",
        )
    inside = np.column_stack([*of_kind, [kind == NO_MEETING for kind, _ in after]])
    events = np.array([(count * (code == k + 1)) @ inside for k in range(len(exits))])
    return MeetingHazards(exits, kinds, _whole(events), _whole(count @ inside), fit)


def _whole(counts: Floats) -> Ints:
    return np.asarray(np.rint(counts), dtype=np.int64)
