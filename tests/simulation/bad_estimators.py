"""Methods that the suite must be seen to reject, in the interface of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from evaluator.estimators import GroupTime
from evaluator.estimators.two_way import TwoWay
from evaluator.vocabulary import NEVER, Assumption, Cell, Fit, Floats, Ints, Panel

ASSUMES = frozenset({Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION})
STATIC_TWO_WAY = TwoWay(name="static_two_way", assumes=ASSUMES)
"""Static two-way fixed effects for whatever effects there are, as the regression is commonly used."""


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Each cohort's mean in a period less its mean before the start; nobody is compared with."""

    name: str = "before_after"
    source: str = "every press release"
    assumes: frozenset[Assumption] = ASSUMES

    def fit(self, panel: Panel) -> Fit:
        cells, effect, columns = _post_cells(panel), [], []
        for start in dict.fromkeys(cell.cohort for cell in cells):
            share = np.where(panel.cohort == start, panel.weight, 0.0)[:, None]
            gain = panel.outcome[:, start:] - panel.outcome[:, :start].mean(axis=1, keepdims=True)
            effect.append((share * gain).sum(axis=0) / share.sum())
            columns.append(share / share.sum() * (gain - effect[-1]))
        return Fit(cells, np.concatenate(effect), _by_cluster(panel, np.column_stack(columns)), panel.cohort.size)


@dataclass(frozen=True, slots=True)
class HalvedErrors:
    """Group-time effects with half their influence."""

    method: GroupTime = field(default_factory=lambda: GroupTime("not_yet", "universal"))
    name: str = "halved_errors"
    source: str = "a slip of the pen"
    assumes: frozenset[Assumption] = ASSUMES

    def fit(self, panel: Panel) -> Fit:
        fit = self.method.fit(panel)
        return replace(fit, influence=fit.influence / 2)

    def effects_without_each_cluster(self, panel: Panel, cells: tuple[Cell, ...]) -> Floats:
        return self.method.effects_without_each_cluster(panel, cells)


def _post_cells(panel: Panel) -> tuple[Cell, ...]:
    starts: Ints = np.unique(panel.cohort[panel.cohort != NEVER])
    periods = range(len(panel.periods))
    return tuple(Cell(panel.unit, int(g), t, int(g) - 1) for g in starts for t in periods if t >= g)


def _by_cluster(panel: Panel, columns: Floats) -> Floats:
    """Return influence (G, C) from each row's share of the estimate (N, C)."""
    out = np.zeros((int(panel.cluster.max()) + 1, columns.shape[1]))
    np.add.at(out, panel.cluster, columns)
    return out * panel.cohort.size
