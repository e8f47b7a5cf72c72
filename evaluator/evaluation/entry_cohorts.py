"""Entry cohorts of a spec: the cells of municipality and entry period, and the sections an estimator takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb

from evaluator import models
from evaluator.design.frozen import Design
from evaluator.errors import PanelError
from evaluator.panel import sections_from_frame
from evaluator.spec import (
    EARLY_WEEKS,
    END_STATES,
    FOLLOWED_WEEKS,
    MONTHS_PER_YEAR,
    PERSON_OUTCOMES,
    WEEKS_PER_YEAR,
    EvaluationSpec,
)
from evaluator.vocabulary import Sections

if TYPE_CHECKING:
    import polars as pl

BENEFIT_PARTS = ("entry_benefit", "other_benefit", "supported_work")
READERS_STATES = ("job", "education", "benefit", "self_support", "left_register")
UNITS = {"sick_weeks": "weeks", "sanctions": "count"}
KNOWN_OF = {"paid_hours_20": "persons_with_hours", "paid_hours_87": "persons_with_hours"}  # others: of all persons
NEVER_LABEL = 0
UNKNOWN = "uoplyst"


def month_index(day: dt.date) -> int:
    """Return months since year zero; the label of a period in panels and sections."""
    return day.year * 12 + day.month - 1


def month_of_index(index: int) -> dt.date:
    """Return the first day of the month that `month_index` numbers."""
    return dt.date(index // 12, index % 12 + 1, 1)


def unit_of(outcome: str) -> str:
    """Return the unit that a report words: share unless the outcome counts something."""
    return UNITS.get(outcome, "share")


def open_outcomes(
    connection: duckdb.DuckDBPyConnection,
    spec: EvaluationSpec,
    settings: Mapping[str, object],
    outcomes_to: dt.date | None = None,
) -> None:
    """Build the design models of a spec; outcomes dated after `outcomes_to` are not read."""
    population, panel = spec.population, spec.panel
    variables = {
        **settings,
        "spec_name": spec.evaluation.name,
        "benefits": list(population.benefits),
        "target_groups": list(population.target_groups),
        "age_from": population.age[0],
        "age_to": population.age[1],
        "entry": population.entry,
        "panel_from": panel.from_,
        "panel_to": panel.to,
        "period_months": panel.period_months,
        "horizons": list(spec.horizons) or ([EARLY_WEEKS, WEEKS_PER_YEAR] if spec.sanctions else []),
        "outcomes_to": outcomes_to,
        "intervention": spec.intervention.name,
        "sanction_persons": spec.sanctions.persons if spec.sanctions else None,
        "sanction_seed": spec.estimation.seed,
        "counselling_types": list(spec.meetings.counselling) if spec.meetings else None,
        "control_types": list(spec.meetings.control) if spec.meetings else None,
        "risk_horizons": list(FOLLOWED_WEEKS) if spec.sanctions else [],
    }
    models.build(connection, ("design",), variables)


@dataclass(frozen=True, slots=True)
class EntryCohorts:
    """Cells of one horizon: a row per municipality and entry period in which every entrant is observed."""

    cells: pl.DataFrame  # municipality_code, period (month index), cohort (month index or 0), persons, outcome counts
    periods: tuple[int, ...]
    horizon_weeks: int
    profiles: pl.DataFrame | None = None  # the cells by traits at entry, where the spec adjusts for them

    def count(self, outcome: str) -> pl.Expr:
        """Return the number behind an outcome: persons in the state, or weeks and decisions."""
        import polars as pl

        if outcome == "benefit":
            return pl.sum_horizontal(*BENEFIT_PARTS)
        return pl.col("benefit_weeks" if outcome == "benefit_share" else outcome)

    def persons(self, outcome: str) -> pl.Expr:
        """Return the persons of whom an outcome is known: whom its mean is of, and who are in it or not."""
        import polars as pl

        return pl.col(KNOWN_OF.get(outcome, "persons"))

    def without(self, *municipalities: str) -> EntryCohorts:
        """Return the cohorts of all other municipalities."""
        import polars as pl

        others = ~pl.col("municipality_code").is_in(municipalities)
        profiles = None if self.profiles is None else self.profiles.filter(others)
        return replace(self, cells=self.cells.filter(others), profiles=profiles)

    def only(self, *municipalities: str) -> EntryCohorts:
        """Return the cohorts of these municipalities, without their traits."""
        import polars as pl

        return replace(self, cells=self.cells.filter(pl.col("municipality_code").is_in(municipalities)), profiles=None)

    def exposed(self) -> pl.DataFrame:
        """Return the cells of treated entrants from their start on."""
        import polars as pl

        return self.cells.filter(pl.col("cohort") != NEVER_LABEL, pl.col("period") >= pl.col("cohort"))

    def base(self, spec: EvaluationSpec) -> pl.DataFrame:
        """Return the cells of treated entrants in the base periods of their start."""
        import polars as pl

        months = spec.panel.period_months
        end = pl.col("cohort") - spec.exposure_periods(self.horizon_weeks) * months
        inside = (pl.col("period") < end) & (pl.col("period") >= end - spec.base_periods * months)
        return self.cells.filter(pl.col("cohort") != NEVER_LABEL, inside)

    def smallest(
        self, outcome: str, spec: EvaluationSpec, *, event_time: int | None = None, cohort: int | None = None
    ) -> int:
        """Return the fewest treated persons, in the outcome or not in it, behind a number: overall, by event time (in
        periods) or by cohort. It decides whether the number may leave the store.
        """
        import polars as pl

        base, here = self.base(spec), self.exposed()
        if event_time is not None:
            when = pl.col("cohort") + event_time * spec.panel.period_months
            here = self.cells.filter(pl.col("cohort") != NEVER_LABEL, pl.col("period") == when)
        if cohort is not None:
            base, here = (cells.filter(pl.col("cohort") == cohort) for cells in (base, here))
        return self.smallest_of(outcome, base, here)

    def smallest_of(self, outcome: str, *groups: pl.DataFrame) -> int:
        """Return the fewest persons, known to be in the outcome or not in it, in any of these groups of cells."""
        counts = []
        for cells in groups:
            persons = int(cells.select(self.persons(outcome).sum()).item())
            if unit_of(outcome) != "share" or outcome == "benefit_share":
                counts.append(persons)
            else:
                count = int(cells.select(self.count(outcome).sum()).item() or 0)
                counts += [count, persons - count]
        return min(counts)

    def sections(self, outcome: str, covariates: Sequence[str] = ()) -> Sections:
        """Return the mean of an outcome per cell with the persons of whom it is known as weights.

        With covariates a row is a cell of equal traits, and the covariates are indicators of every level but the most
        frequent one, in the order of `covariates` and then of the levels.
        """
        import polars as pl

        base = self.persons(outcome)
        scale = self.horizon_weeks if outcome == "benefit_share" else 1
        cells, indicators = (self.cells, []) if not covariates else self._by_traits(covariates)
        frame = cells.select(
            "municipality_code",
            "period",
            "cohort",
            *indicators,
            base.alias("n"),
            (self.count(outcome) / (base * scale)).alias("y"),
        ).filter(pl.col("n") > 0)
        return sections_from_frame(
            frame,
            period="period",
            outcome="y",
            cohort="cohort",
            cluster="municipality_code",
            weight="n",
            covariates=indicators,
            periods=self.periods,
        )

    def _by_traits(self, traits: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
        """Return the cells of equal traits with an indicator of every level but the most frequent, and their names."""
        import polars as pl

        assert self.profiles is not None, "entry_cohorts was asked for no traits"
        keys = ("municipality_code", "period", "cohort")
        counts = [c for c in self.cells.columns if c not in (*keys, "period_on", "horizon_weeks")]
        cells = self.profiles.group_by(*keys, *traits, maintain_order=True).agg(pl.col(counts).sum())
        indicators = []
        for trait in traits:
            cells = cells.with_columns(pl.col(trait).fill_null(UNKNOWN))
            persons = (
                cells.group_by(trait).agg(pl.col("persons").sum()).sort("persons", trait, descending=[True, False])
            )
            for level in sorted(persons[trait][1:].to_list()):
                indicators.append(pl.col(trait).eq(level).cast(pl.Float64).alias(f"{trait}={level}"))
        cells = cells.with_columns(indicators)
        return cells.sort(*keys, *traits), [indicator.meta.output_name() for indicator in indicators]


def labelled(frame: pl.DataFrame, design: Design, years_earlier: int = 0) -> pl.DataFrame:
    """Return a frame of municipality_code and period_on with `period` and `cohort` as month indices (0 = never).

    `years_earlier` moves every start back.
    """
    import polars as pl

    shift = MONTHS_PER_YEAR * years_earlier
    starts = {code: month_index(first) - shift for code, first in design.cohort_of().items()}
    return frame.with_columns(
        period=pl.col("period_on").dt.year().cast(pl.Int64) * 12 + pl.col("period_on").dt.month() - 1,
        cohort=pl.col("municipality_code").replace_strict(starts, default=NEVER_LABEL, return_dtype=pl.Int64),
    )


def entry_cohorts(
    connection: duckdb.DuckDBPyConnection,
    design: Design,
    horizon_weeks: int,
    municipalities: tuple[str, ...] = (),
    traits: tuple[str, ...] = (),
) -> EntryCohorts:
    """Return the cells of the treated and the donors at one horizon; with `traits` those of equal traits too.

    A period counts when every entrant in it is observed at the horizon, so that the last one is not a selected part.
    Raises PanelError when no period is.
    """
    import polars as pl

    cells = _read(connection, "cells", horizon_weeks)
    entered = connection.sql("select period_on, count(*) as entered from design.entrants group by 1").pl()
    seen = cells.group_by("period_on").agg(pl.col("persons").sum().alias("seen")).join(entered, on="period_on")
    whole = seen.filter(pl.col("seen") == pl.col("entered"))["period_on"]
    included = municipalities or (*design.treated_codes, *design.donors)
    is_kept = pl.col("period_on").is_in(whole.implode()) & pl.col("municipality_code").is_in(included)
    kept = cells.filter(is_kept)
    if kept.is_empty():
        raise PanelError(
            f"design.cells: no entry period is observed {horizon_weeks} weeks on; expected at least one. "
            f"Choose a shorter horizon or load later data."
        )
    kept = labelled(kept, design).sort("municipality_code", "period")
    last = max(kept["period"].to_list())
    periods = tuple(month_index(p) for p in design.periods if month_index(p) <= last)
    profiles = labelled(_read(connection, "profile_cells", horizon_weeks).filter(is_kept), design) if traits else None
    return EntryCohorts(kept, periods, horizon_weeks, profiles)


def _read(connection: duckdb.DuckDBPyConnection, model: str, horizon_weeks: int) -> pl.DataFrame:
    return connection.sql(
        f"select * from design.{model} where horizon_weeks = ? order by all", params=[horizon_weeks]
    ).pl()


def asked_outcomes(spec: EvaluationSpec, horizon_weeks: int) -> tuple[str, ...]:
    """Return the spec's outcomes at a horizon, then every end state, so that off benefits is never read as in work."""
    named = [o.name for o in spec.outcomes if o.horizon_weeks == horizon_weeks and o.name in PERSON_OUTCOMES]
    return tuple(dict.fromkeys((*named, *END_STATES, "benefit")))
