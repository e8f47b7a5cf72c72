"""Group-time average treatment effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.adjustment import regression
from evaluator.estimators.adjustment.rows import Rows, rows_of
from evaluator.estimators.contrasts import Choices, Contrasts, contrasts
from evaluator.vocabulary import Assumption, Cell, Fit, Floats, Panel, Sections

COMPARISONS = ("never", "not_yet")
BASES = ("varying", "universal")
ADJUSTMENTS = ("none", "regression", "weighting", "doubly_robust")


@dataclass(frozen=True, slots=True)
class GroupTime:
    """ATT(g, t): the cohort's gain since its base period, less that of people not yet exposed at t.

    `anticipation` is in periods: those before the start in which people may already react (behaviour and horizon). They
    are compared with the last period before the window, as exposed periods are, and serve neither as base nor as
    pre-trend. With base "varying" the earlier periods are compared with the one before. With base "universal" the base
    may be the plain mean of the contrasts of the `base_periods` periods up to the window (fewer where the panel is
    shorter or a period is empty): small entry cohorts make a single base period the noisiest number in the contrast.
    """

    comparison: str = "never"
    base: str = "varying"
    anticipation: int = 0
    base_periods: int = 1
    name: str = "group_time"
    source: str = "Callaway and Sant'Anna (2021), J. Econometrics 225(2), Theorem 1"
    assumes: frozenset[Assumption] = frozenset({Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION})
    adjustment: str = "none"

    def __post_init__(self) -> None:
        known = self.comparison in COMPARISONS and self.base in BASES and self.anticipation >= 0
        known = known and (self.base_periods == 1 or (self.base == "universal" and self.base_periods > 1))
        if not known:
            raise ValueError(
                f"group_time: expected comparison in {COMPARISONS}, base in {BASES}, anticipation >= 0, "
                "base_periods 1, or more with a universal base"
            )

    def fit(self, panel: Panel | Sections) -> Fit:
        """Return effects (C,) and influence summed to clusters (G, C); `scale` is the number of rows.

        In a cell of a universal base at its base the effect and the influence are 0. Cells without treated or
        without comparison persons are absent.
        """
        rows, cells = self._laid_out(panel, (panel.outcome,))
        kept, effect, influence = regression.fit(rows, cells)
        if not kept.cohort.size:
            raise PanelError(
                "group_time: 0 cells have treated and comparison units; expected at least one. "
                "Lengthen the panel before the first start or widen the comparison."
            )
        return Fit(kept.cells(panel.unit), effect[:, 0], influence[:, :, 0], rows.size)

    def effects_without_each_cluster(self, panel: Panel | Sections, cells: tuple[Cell, ...]) -> Floats:
        """Return the effects (G, C) of `cells` refitted without each cluster in turn; NaN where a cell drops out."""
        rows, found = self._laid_out(panel, (panel.outcome,))
        names = [(c.cohort, c.period, c.base) for c in found.cells("")]
        where = {(c.cohort, c.period, c.base): i for i, c in enumerate(cells)}
        is_asked = np.array([name in where for name in names], dtype=np.bool_)
        out = np.full((rows.clusters, len(cells)), np.nan)
        target = [where[name] for name in names if name in where]
        out[:, target] = regression.effects_without_each_cluster(rows, found.only(is_asked))[:, :, 0]
        return out

    def _laid_out(self, data: Panel | Sections, outcomes: tuple[Floats, ...]) -> tuple[Rows, Contrasts]:
        rows = rows_of(data, outcomes, is_adjusted=self.adjustment != "none")
        choices = Choices(self.comparison, self.base, self.anticipation, self.base_periods)
        return rows, contrasts(rows.cohorts, rows.periods, choices)
