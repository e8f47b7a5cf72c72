"""The nouns of the engine. Shapes mean the same everywhere.

N people or units, T periods, R rows of sections, K covariates, C cells, G clusters, M rows of influence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NEVER: int = int(np.iinfo(np.int64).max)
"""The cohort of a unit that is not exposed within the panel."""


class Assumption(StrEnum):
    """What an estimator needs in order to be right; decides which worlds it must recover."""

    PARALLEL_TRENDS = "parallel_trends"
    NO_ANTICIPATION = "no_anticipation"
    STABLE_COMPOSITION = "stable_composition"
    STRICT_EXOGENEITY = "strict_exogeneity"
    COMMON_SHOCKS = "common_shocks"
    UNCONFOUNDEDNESS = "unconfoundedness"
    RANDOMISATION = "randomisation"
    CONSTANT_EFFECT = "constant_effect"  # the same for all cohorts and at all times since the start


class Invariance(StrEnum):
    """What may be done to the outcome without moving an estimator's effects; the conformance suite checks it."""

    ROW_CONSTANT = "row_constant"  # a constant added to all periods of a unit (of a cluster in sections)
    PERIOD_CONSTANT = "period_constant"  # a constant added to everybody in a period
    SCALE = "scale"  # scaling the outcome scales the effect


@dataclass(frozen=True, slots=True)
class Panel:
    """N units followed over T periods. Build it with `evaluator.panel.panel_from_frame` or `Panel.from_frame`."""

    periods: tuple[Any, ...]  # (T,) labels in order; `cohort` and cells index it
    outcome: Floats  # (N, T) in `unit`
    observed: Bools  # (N, T)
    cohort: Ints  # (N,) index of the first exposed period, or NEVER
    exposure: Floats | None  # (N, T) continuous dose; then `cohort` is all NEVER
    covariates: Floats  # (N, K) known before exposure
    cluster: Ints  # (N,) 0..G-1, the level at which exposure was assigned
    weight: Floats  # (N,) persons behind a row; ones for persons
    unit: str  # "share employed", "DKK per month"
    units: tuple[Any, ...] = ()  # (N,) labels of the rows
    dropped: int = 0  # units exposed from the first period: no base, left out

    @staticmethod
    def from_frame(
        frame: Any,
        *,
        unit: str,
        period: str,
        outcome: str,
        cohort: str,
        covariates: Iterable[str] = (),
        cluster: str | None = None,
        weight: str | None = None,
    ) -> Panel:
        """Return the panel of a long polars or pandas frame; see `evaluator.panel.panel_from_frame`."""
        from evaluator.panel import panel_from_frame

        return panel_from_frame(
            frame,
            unit=unit,
            period=period,
            outcome=outcome,
            cohort=cohort,
            covariates=tuple(covariates),
            cluster=cluster,
            weight=weight,
        )


@dataclass(frozen=True, slots=True)
class Sections:
    """R rows of repeated cross-sections: people seen once, or entry-cohort cells with persons as weights.

    A cell without persons is absent. Source of the layout: entry cohorts, one row per municipality and entry period.
    """

    periods: tuple[Any, ...]  # (T,) labels in order; `period` and `cohort` index it
    outcome: Floats  # (R,) in `unit`
    period: Ints  # (R,) index into `periods`
    cohort: Ints  # (R,) index of the first exposed period of the row's cluster, or NEVER
    covariates: Floats  # (R, K)
    cluster: Ints  # (R,) 0..G-1
    weight: Floats  # (R,) persons behind the row
    unit: str
    clusters: tuple[Any, ...] = ()  # (G,) labels


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One contrast: a cohort in a period against a base period (all indices into `periods`)."""

    outcome: str
    cohort: int
    period: int
    base: int
    group: str = ""


@dataclass(frozen=True, slots=True)
class Fit:
    """Effects and their influence functions; nothing else leaves an estimator."""

    cells: tuple[Cell, ...]  # C cells
    effect: Floats  # (C,)
    influence: Floats  # (M, C), columns of mean zero; M = N, or G when summed to clusters
    scale: int  # the n that the influence is scaled by: se = sqrt(sum(influence**2)) / scale


@dataclass(frozen=True, slots=True)
class Placebos:
    """What a single-unit method returns: the treated unit's effect and each donor's, as if it were treated."""

    effect: Floats  # (C,)
    donors: Floats  # (D, C)
    size: Floats  # (D,) persons behind each donor's outcome
    treated_size: float


class Estimator(Protocol):
    """The interface of every method, ours and a stranger's.

    `invariant_to` may be declared too (a frozenset of Invariance); without it all of them are expected to hold.
    """

    name: str  # the method, never its authors: "group_time"
    source: str  # paper, journal, equation that the code follows
    assumes: frozenset[Assumption]  # decides which worlds it must recover

    def fit(self, panel: Any) -> Fit: ...


@dataclass(frozen=True, slots=True)
class Estimand:
    """What is estimated, in words a minister could read."""

    population: str
    contrast: str
    horizon: str
    unit: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A published number. `low` and `high` bound it at `level`; `method` names the inference that made them."""

    value: float
    se: float | None  # None where the method gives an interval without a standard error
    low: float
    high: float
    level: float
    n: int  # persons behind it
    clusters: int
    treated_clusters: int
    method: str
    p_value: float | None = None
    freedom: float | None = None  # effective degrees of freedom of its t; None for the normal law and for placebos


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """A result, not an error: stored and shown with its reason."""

    reason: str
    what_would_help: str


class Light(StrEnum):
    """The verdict of a check."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One check of a design or an estimate."""

    name: str
    value: float | None
    threshold: str
    verdict: Light
    why: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation's outcome on one table: counts only."""

    table: str
    rule: str
    severity: str  # "critical" | "warning"
    passed: bool
    rows: int
    unexpected: int
    notes: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings of a check."""

    findings: tuple[Finding, ...] = field(default=())

    @property
    def critical(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity == "critical" and not f.passed)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity == "warning" and not f.passed)
