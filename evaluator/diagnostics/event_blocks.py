"""The headline and its past as an event study in blocks of periods, so that its drift can be bounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluator.diagnostics.event_study import EventStudy
from evaluator.errors import PanelError
from evaluator.inference.leave_one_out import Replicates, averages
from evaluator.inference.offered import by_error, no_cells, weak_base
from evaluator.inference.rule import FEW, has_error
from evaluator.vocabulary import Assumption, Bools, Floats, Ints, NotEstimable, Panel, Sections

FULL_ENOUGH = 0.5
"""Share of a block's periods from which their mean stands for the block."""


@dataclass(frozen=True, slots=True)
class EventBlocks:
    """An event study whose number of interest is the headline, and the periods in each block before the base."""

    study: EventStudy
    periods_before: tuple[int, ...]  # (pre,) in order of time
    freedom: float  # of the headline's t


@dataclass(frozen=True, slots=True)
class _Clock:
    """Time in blocks: the base ends where the window of anticipation begins and its middle is time 0."""

    block: int
    anticipation: int
    base_periods: int

    def position(self, event_time: Floats) -> Floats:
        """Return the distance of event times from the middle of the base, in blocks."""
        return np.asarray((event_time + self.anticipation + (self.base_periods + 1) / 2) / self.block)

    def before(self, event_time: Ints) -> Ints:
        """Return the block before the base that holds an event time: -1 the last; 0 or more is no such block."""
        return np.asarray((event_time + self.anticipation + self.base_periods) // self.block)


def event_blocks(estimator: Any, panel: Panel | Sections, block: int) -> EventBlocks | NotEstimable:
    """Return the headline (the "simple" average) after, and means of `block` periods before, the base.

    The base is the estimator's own: its `base_periods` (1 if it has none) up to the window of `anticipation`. The
    window itself is left free; it only adds to the distance. Effects after the start are weighed as the headline weighs
    them, so contrast'effect and its error are the headline's. Before the base, event times under five treated clusters
    are not used, and a block counts when at least half of its periods are there; its mean is placed at their middle.
    In the unit of the panel. Raises ValueError when `block` is under 1.
    """
    if block < 1:
        raise ValueError(f"event_blocks: block is {block}; expected 1 period or more.")
    if (other := without_trends(estimator)) is not None:
        return other
    try:
        headline, events = averages(estimator, panel, "simple"), averages(estimator, panel, "event")
    except PanelError:
        return no_cells()
    if (refused := _refusal(estimator, headline)) is not None:
        return refused
    clock = _Clock(block, getattr(estimator, "anticipation", 0), getattr(estimator, "base_periods", 1))
    times = np.array(events.aggregate.labels, dtype=np.int64)
    columns = events.by_rule()[0][:, 1:]
    usable = np.asarray(np.isfinite(columns).all(axis=0) & columns.any(axis=0))
    where = clock.before(times)
    known = (where < 0) & usable & has_error(events.treated[1:])
    names = [k for k in np.unique(where[known]) if (known & (where == k)).sum() >= FULL_ENOUGH * block]
    if not names:
        return _no_block()
    before = np.array([(known & (where == k)) / (known & (where == k)).sum() for k in names])
    after, contrast = _after(headline, times, block)
    weights = np.vstack([before, after])
    deviations = np.column_stack(
        [columns[:, row > 0] @ row[row > 0] for row in before] + _parts(headline, columns, after, contrast, usable)
    )
    study = EventStudy(
        effect=weights @ events.value[1:],
        covariance=deviations.T @ deviations,
        pre=len(names),
        contrast=contrast,
        position=weights @ clock.position(times.astype(np.float64)),
    )
    counts = tuple(int((row > 0).sum()) for row in before)
    return EventBlocks(study, counts, float(headline.by_rule()[1][0]))


def without_trends(estimator: Any) -> NotEstimable | None:
    """Return the refusal of a method that does not rest on parallel trends."""
    if Assumption.PARALLEL_TRENDS in estimator.assumes:
        return None
    return NotEstimable(
        "Metoden bygger ikke på, at udviklingen ville have været den samme i de to grupper.",
        "Intet; skæve tendenser er ikke det, der kan vælte tallet.",
    )


def at_level(found: EventBlocks, level: float) -> EventStudy:
    """Return the study with its covariance scaled so that normal quantiles at `level` are the headline's of t."""
    from scipy.special import ndtri, stdtrit

    if np.isinf(found.freedom):
        return found.study
    ratio = float(stdtrit(found.freedom, (1 + level) / 2) / ndtri((1 + level) / 2))
    return replace(found.study, covariance=found.study.covariance * ratio**2)


def _refusal(estimator: Any, headline: Replicates) -> NotEstimable | None:
    if headline.treated[0] < FEW:
        return NotEstimable(
            f"Kun {headline.treated[0]} kommuner med indsats ligger bag tallet; at regne med skæve tendenser kræver "
            f"mindst {FEW}.",
            "Flere kommuner med indsats; placebofordelingen viser tilfældige udsving, men ikke skæve tendenser.",
        )
    bases: dict[int, set[int]] = {}
    for cell in headline.cells:
        bases.setdefault(cell.cohort, set()).add(cell.base)
    if any(len(found) > 1 for found in bases.values()):
        return NotEstimable(
            "Perioderne før start måles ikke mod den samme basis som perioderne efter, så de kan ikke sammenlignes.",
            'Vælg base = "universal" og en metode med fælles basis.',
        )
    found = weak_base(estimator, headline, 0) or by_error(headline, 0, 0.95)
    return found if isinstance(found, NotEstimable) else None


def _after(headline: Replicates, times: Ints, block: int) -> tuple[Floats, Floats]:
    """Return weights of the event times within each block after the start (post, K), and of the blocks (post,)."""
    start = np.array([cell.period - cell.cohort for cell in headline.cells])
    weight = np.array([headline.aggregate.weights[0, start == time].sum() for time in times])
    where = np.where(weight > 0, times // block, -1)
    rows = np.array([np.where(where == k, weight, 0.0) for k in np.unique(where[where >= 0])])
    total = rows.sum(axis=1)
    return rows / total[:, None], total


def _parts(headline: Replicates, columns: Floats, after: Floats, contrast: Floats, usable: Bools) -> list[Floats]:
    """Return a column (G,) of deviations for each block after the start, with contrast'columns the headline's own.

    An event time that drops out with a cluster has no column; what it and the estimated weights add is spread evenly.
    """
    own = headline.by_rule()[0][:, 0]
    shape = [
        columns[:, part] @ row[part] / row[part].sum() if part.any() else own
        for row, part in zip(after, (after > 0) & usable, strict=True)
    ]
    rest = own - np.column_stack(shape) @ contrast
    return [column + rest for column in shape]


def _no_block() -> NotEstimable:
    return NotEstimable(
        "Der er ingen perioder før sammenligningens basis, så skæve tendenser kan ikke måles.",
        "Hent data længere tilbage, eller vælg en kortere horisont eller basis.",
    )
