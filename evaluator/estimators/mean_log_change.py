"""One municipality's change in a series against everybody else's, for placebo ranks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import NEVER, Assumption, Bools, Floats, Panel, Placebos


@dataclass(frozen=True, slots=True)
class Pool:
    """Who is compared, and why the others are not; counts of units."""

    units: tuple[int, ...]  # rows of the panel in the pool, the treated one included
    treated: int  # row of the panel
    below_minimum: int
    unknown: int  # a zero or missing cell in either window
    excluded: int


@dataclass(frozen=True, slots=True)
class MeanLogChange:
    """d = c less the mean c of the others, c = log(mean after the start / mean before it).

    `window` periods on either side (4 quarters or 12 months), or `after` of them from the start on. `anticipation` is
    in periods: those before the start in which people may already react; the mean before ends ahead of them and they
    are in neither mean. Units whose mean before is under `minimum_level`, or whose label is in `exclude`, are no
    donors. A zero or missing cell is unknown for a logarithm: its unit is counted, never dropped in silence. In log
    points.
    """

    window: int = 4
    minimum_level: float = 40.0
    exclude: tuple[str, ...] = ()
    anticipation: int = 0
    after: int | None = None
    name: str = "mean_log_change"
    source: str = "Ferman and Pinto (2019), Review of Economics and Statistics 101(3); ranks: Fisher (1935)"
    assumes: frozenset[Assumption] = frozenset({Assumption.PARALLEL_TRENDS, Assumption.COMMON_SHOCKS})

    donors_see_treated: bool = True

    def __post_init__(self) -> None:
        if min(self.window, self.periods_after) < 1 or self.anticipation < 0:
            raise ValueError(
                f"mean_log_change: windows {self.window} and {self.periods_after} and anticipation "
                f"{self.anticipation}; expected at least 1 and 0"
            )

    @property
    def periods_after(self) -> int:
        """Return the number of periods from the start on that are compared."""
        return self.window if self.after is None else self.after

    def windows(self, start: int) -> tuple[slice, slice]:
        """Return the periods of the mean before and of the mean after a start, as slices of the panel's periods."""
        last = start - self.anticipation
        return slice(last - self.window, last), slice(start, start + self.periods_after)

    def fit(self, panel: Panel) -> Placebos:
        """Return the treated unit's d and each donor's (D, 1); size is the mean level before the start."""
        pool = self.pool(panel)
        before, after, _ = self._means(panel)
        rows = np.array(pool.units)
        change = np.log(after[rows] / before[rows])
        effect = (change - change.mean()) * (rows.size / (rows.size - 1))
        own = rows == pool.treated
        return Placebos(effect[own], effect[~own][:, None], before[rows[~own]], float(before[pool.treated]))

    def apart(self, panel: Panel) -> Placebos:
        """Return the same with donors compared among themselves, so that the treated one moves no donor's effect.

        Raises PanelError as `fit`, and where a single donor has nobody to be compared with.
        """
        found, donors = self.fit(panel), len(self.pool(panel).units) - 1
        if donors < 2:
            raise PanelError("mean_log_change: 1 donor is left; expected 2 or more. Lower the minimum level.")
        among = (found.donors - found.donors.mean(axis=0)) * donors**2 / (donors**2 - 1)
        return replace(found, donors=among)

    def changes(self, panel: Panel) -> Floats:
        """Return c of every unit (N,), NaN where a cell in either window is zero or missing."""
        before, after, known = self._means(panel)
        return np.where(known, np.log(np.where(known, after, 1.0) / np.where(known, before, 1.0)), np.nan)

    def pool(self, panel: Panel) -> Pool:
        """Return the units compared and the counts of those left out.

        Raises PanelError unless exactly one unit is treated, with both windows known, and it has donors.
        """
        treated = self._treated(panel)
        before, _, known = self._means(panel)
        labels = np.array([str(unit) for unit in panel.units])
        excluded = np.isin(labels, self.exclude) if labels.size else np.zeros(before.size, dtype=np.bool_)
        excluded[treated] = False
        small = known & (before < self.minimum_level) & ~excluded
        small[treated] = False
        inside = known & ~small & ~excluded
        if not inside[treated] or inside.sum() < 2:
            raise PanelError(
                "mean_log_change: the treated unit or all donors have unknown cells in the windows; expected numbers "
                "over 0. Choose another date or a wider category."
            )
        return Pool(
            units=tuple(int(row) for row in np.flatnonzero(inside)),
            treated=treated,
            below_minimum=int(small.sum()),
            unknown=int((~known & ~excluded).sum()),
            excluded=int(excluded.sum()),
        )

    def _treated(self, panel: Panel) -> int:
        rows = np.flatnonzero(panel.cohort != NEVER)
        if rows.size != 1:
            raise PanelError(
                f"mean_log_change: {rows.size} units have a start; expected one. Write one spec per municipality."
            )
        return int(rows[0])

    def _means(self, panel: Panel) -> tuple[Floats, Floats, Bools]:
        """Return the means before and after the start (N,), and where all cells of both windows are over 0."""
        start = int(panel.cohort[self._treated(panel)])
        before, after = self.windows(start)
        if before.start < 0 or after.stop > len(panel.periods):
            ahead = f" and its {self.anticipation} of anticipation" if self.anticipation else ""
            raise PanelError(
                f"mean_log_change: the panel has {max(before.stop, 0)} periods before the start{ahead} and "
                f"{len(panel.periods) - start} from it on; expected {self.window} and {self.periods_after}. "
                "Lengthen the panel or move the date."
            )
        cells = np.where(panel.observed, panel.outcome, 0.0)
        known = (cells[:, before] > 0).all(axis=1) & (cells[:, after] > 0).all(axis=1)
        return cells[:, before].mean(axis=1), cells[:, after].mean(axis=1), np.asarray(known, dtype=np.bool_)
