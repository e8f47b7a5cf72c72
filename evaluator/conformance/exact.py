"""What must hold on one draw, to the last digits that a machine keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from evaluator.conformance.check import Check, judged
from evaluator.conformance.worlds import World, drawn_for
from evaluator.errors import PanelError
from evaluator.inference.aggregation import clustered
from evaluator.inference.leave_one_out import refit_without_each_cluster
from evaluator.vocabulary import Assumption, Fit, Floats, Ints, Invariance, Panel, Sections

CLOSE = 1e-8
"""Largest difference, as a share of the outcome's size, that rounding may make."""
ARRAYS = ("outcome", "observed", "cohort", "covariates", "cluster", "weight")
ONE_DRAW = World("one_draw", 15, is_growing=True, by_person=True)


def exact_checks(estimator: Any, seed: int) -> tuple[Check, ...]:
    """Return the checks of form and invariance on one panel of 98 municipalities with two rows each.

    Only the refusal when an estimator does not take such a panel at all.
    """
    panel = _two_rows_each(drawn_for(estimator, ONE_DRAW, seed), seed)
    if reason := _refusal(estimator, panel):
        return (judged(ONE_DRAW.name, "takes a panel of 98 municipalities", None, "no refusal", False, reason),)
    case = _Case(estimator, panel, np.random.default_rng(seed))
    return tuple(_safely(name, check) for name, check in case.checks())


def _refusal(estimator: Any, panel: Panel) -> str:
    """Return why an estimator refuses a panel; "" when it does not, or breaks, which each check then says."""
    try:
        estimator.fit(panel)
    except PanelError as error:
        return str(error)
    except Exception:
        return ""
    return ""


def _safely(name: str, check: Callable[[], float | str]) -> Check:
    """Return the verdict on the largest difference that a check finds, or on what it says is wrong ("" is nothing).

    An exception is a failure.
    """
    try:
        found = check()
    except Exception as error:  # a stranger's code may raise anything; its kind is the finding
        return judged(ONE_DRAW.name, name, None, "no exception", False, f"{type(error).__name__}: {error}")
    if isinstance(found, str):
        return judged(ONE_DRAW.name, name, None, "", not found, found)
    return judged(ONE_DRAW.name, name, found, f"<= {CLOSE:g}", found <= CLOSE)


@dataclass(frozen=True, slots=True)
class _Case:
    """An estimator and the panel it is tried on."""

    estimator: Any
    panel: Panel
    rng: np.random.Generator

    def checks(self) -> Iterator[tuple[str, Callable[[], float | str]]]:
        """Yield the name of each check that concerns the estimator, and the check."""
        yield "declares name, source and assumptions", self._declared
        yield "shapes and cells agree", self._shapes
        yield "influence has mean zero", self._mean_zero
        yield "inputs are only read", self._read_only
        yield "same input, same digits", self._repeated
        yield "order of rows is irrelevant", self._reordered
        yield "names of clusters are irrelevant", self._renamed
        for invariance in sorted(getattr(self.estimator, "invariant_to", Invariance)):
            yield f"invariance: {invariance.value}", partial(self._moved, invariance)
        if hasattr(self.estimator, "effects_without_each_cluster"):
            yield "leave-one-cluster-out equals refits", self._left_out
        yield "sections are fitted or refused", self._sections

    def _declared(self) -> str:
        wrong = [name for name in ("name", "source") if not str(getattr(self.estimator, name, ""))]
        assumes = getattr(self.estimator, "assumes", None)
        if not isinstance(assumes, frozenset) or not all(isinstance(item, Assumption) for item in assumes):
            wrong.append("assumes, a frozenset of Assumption")
        return f"absent: {', '.join(wrong)}" if wrong else ""

    def _shapes(self) -> str:
        return "; ".join(_misshapen(self.estimator.fit(self.panel), self.panel))

    def _mean_zero(self) -> float:
        influence = self.estimator.fit(self.panel).influence
        return float(np.abs(influence.mean(axis=0)).max() / np.abs(influence).max())

    def _read_only(self) -> str:
        kept = {name: getattr(self.panel, name).copy() for name in ARRAYS}
        locked = replace(self.panel, **{name: values.copy() for name, values in kept.items()})
        for name in ARRAYS:
            getattr(locked, name).flags.writeable = False
        self.estimator.fit(locked)
        self.estimator.fit(self.panel)
        changed = [name for name in ARRAYS if not np.array_equal(kept[name], getattr(self.panel, name))]
        return f"changed: {', '.join(changed)}" if changed else ""

    def _repeated(self) -> str:
        one, two = self.estimator.fit(self.panel), self.estimator.fit(self.panel)
        same = one.cells == two.cells and np.array_equal(one.effect, two.effect)
        return "" if same and np.array_equal(one.influence, two.influence) else "two fits of one panel differ"

    def _reordered(self) -> float:
        order = self.rng.permutation(self.panel.cohort.size)
        parts = {name: getattr(self.panel, name)[order] for name in ARRAYS}
        units = tuple(self.panel.units[row] for row in order)
        return self._difference(replace(self.panel, units=units, **parts))

    def _renamed(self) -> float:
        names = self.rng.permutation(int(self.panel.cluster.max()) + 1)
        units = tuple(f"unit {row}" for row in self.rng.permutation(len(self.panel.units)))
        moved = replace(self.panel, cluster=names[self.panel.cluster], units=units)
        return self._difference(moved, clusters=names)

    def _moved(self, what: Invariance) -> float:
        rows, periods = self.panel.outcome.shape
        size = np.abs(self.panel.outcome).max()
        if what is Invariance.SCALE:
            return self._difference(replace(self.panel, outcome=self.panel.outcome * 1024), scale=1024.0)
        shape = (rows, 1) if what is Invariance.ROW_CONSTANT else (1, periods)
        added = size * self.rng.normal(size=shape)
        return self._difference(replace(self.panel, outcome=self.panel.outcome + added))

    def _left_out(self) -> float | str:
        clusters = int(self.panel.cluster.max()) + 1
        cells = self.estimator.fit(self.panel).cells
        short = self.estimator.effects_without_each_cluster(self.panel, cells)
        long = refit_without_each_cluster(self.estimator, self.panel, cells, clusters)
        if not np.array_equal(np.isfinite(short), np.isfinite(long)):
            return "other cells drop out"
        return float(np.nanmax(np.abs(short - long)) / np.abs(self.panel.outcome).max())

    def _sections(self) -> str:
        sections = _as_sections(self.panel)
        try:
            return "; ".join(_misshapen(self.estimator.fit(sections), sections))
        except PanelError:
            return ""

    def _difference(self, moved: Panel, scale: float = 1.0, clusters: Ints | None = None) -> float:
        """Return the largest difference of effects and errors between the panel and one that should not differ."""
        one, two = self.estimator.fit(self.panel), self.estimator.fit(moved)
        if set(one.cells) != set(two.cells):
            return float("inf")
        where = [two.cells.index(cell) for cell in one.cells]
        before, after = clustered(one.influence, self.panel.cluster), clustered(two.influence, moved.cluster)[:, where]
        size = max(np.abs(self.panel.outcome).max() * scale, np.abs(moved.outcome).max())
        effect = np.abs(one.effect * scale - two.effect[where]).max()
        influence = np.abs(before * scale - (after if clusters is None else after[clusters])).max()
        influence /= max(1.0, np.abs(before).max())
        return float(max(effect, influence) / size)


def _misshapen(fit: Fit, panel: Panel | Sections) -> Iterator[str]:
    """Yield what does not fit together in an estimator's answer."""
    cells, clusters = len(fit.cells), int(panel.cluster.max()) + 1
    if cells == 0 or len(set(fit.cells)) != cells:
        yield f"{cells} cells, of which {len(set(fit.cells))} differ"
    if fit.effect.shape != (cells,):
        yield f"effect {fit.effect.shape}, expected ({cells},)"
    if fit.influence.shape not in ((clusters, cells), (panel.cohort.size, cells)):
        yield f"influence {fit.influence.shape}, expected a row per cluster ({clusters}) or per row of the data"
    if not (np.isfinite(fit.effect).all() and np.isfinite(fit.influence).all()):
        yield "an effect or an influence is not a number"
    if fit.scale <= 0:
        yield f"scale {fit.scale}, expected a positive number"
    known = set(np.unique(panel.cohort).tolist())
    if any(c.cohort not in known or not 0 <= c.period < len(panel.periods) for c in fit.cells):
        yield "a cell names a cohort or a period that the panel does not have"


def _two_rows_each(panel: Panel, seed: int) -> Panel:
    """Return the panel with two rows per municipality that share its persons and differ by noise."""
    rng = np.random.default_rng(seed)
    twice = np.repeat(np.arange(panel.cohort.size), 2)
    outcome: Floats = panel.outcome[twice] + 0.1 * rng.normal(size=(twice.size, panel.outcome.shape[1]))
    return replace(
        panel,
        outcome=outcome,
        observed=panel.observed[twice],
        cohort=panel.cohort[twice],
        covariates=panel.covariates[twice],
        cluster=panel.cluster[twice],
        weight=panel.weight[twice] / 2,
        units=tuple(f"{panel.units[row]}-{part}" for part, row in enumerate(twice)),
    )


def _as_sections(panel: Panel) -> Sections:
    rows, time = np.nonzero(panel.observed)
    return Sections(
        periods=panel.periods,
        outcome=panel.outcome[rows, time],
        period=time,
        cohort=panel.cohort[rows],
        covariates=panel.covariates[rows],
        cluster=panel.cluster[rows],
        weight=panel.weight[rows],
        unit=panel.unit,
        clusters=tuple(range(int(panel.cluster.max()) + 1)),
    )
