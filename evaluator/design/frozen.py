"""Who is exposed, when, and against whom: decided before any outcome after the first start is read, and hashed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass

import duckdb

from evaluator.errors import SpecError
from evaluator.registers.municipalities import municipalities, neighbours
from evaluator.spec import EvaluationSpec, Start


@dataclass(frozen=True, slots=True)
class Design:
    """The frozen comparison behind a run."""

    treated: tuple[Start, ...]  # municipalities with their start, by code
    donors: tuple[str, ...]  # never-exposed municipalities that may be compared with, by code
    excluded: tuple[str, ...]  # left out by the spec, by name or as neighbours
    periods: tuple[dt.date, ...]  # first day of each period of the panel
    period_months: int

    @property
    def first_start(self) -> dt.date | None:
        return min((s.on for s in self.treated), default=None)

    @property
    def treated_codes(self) -> tuple[str, ...]:
        return tuple(s.unit for s in self.treated)

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), default=str, sort_keys=True).encode()).hexdigest()

    def cohort_of(self) -> dict[str, dt.date]:
        """Return the first wholly exposed period of each treated municipality.

        A start inside a period leaves that period to the window of anticipation.
        """
        return {s.unit: first_whole_period(s.on, self.period_months) for s in self.treated}


def period_of(day: dt.date, months: int) -> dt.date:
    """Return the first day of the period of `months` months that holds `day`."""
    return dt.date(day.year, (day.month - 1) // months * months + 1, 1)


def first_whole_period(day: dt.date, months: int) -> dt.date:
    """Return the first period that begins on `day` or after it."""
    period = period_of(day, months)
    return period if period == day else later(period, months)


def later(period: dt.date, months: int) -> dt.date:
    """Return the first of the month `months` months after `period` (negative: before)."""
    index = period.year * 12 + period.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def periods_between(first: dt.date, last: dt.date, months: int) -> tuple[dt.date, ...]:
    """Return all periods from the one that holds `first` to the one that holds `last`."""
    found = [period_of(first, months)]
    while later(found[-1], months) <= last:
        found.append(later(found[-1], months))
    return tuple(found)


def freeze(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec) -> Design:
    """Return the design of `spec`; reads starts and the list of municipalities, never an outcome.

    Raises SpecError when no start is known for the intervention, when a start lies outside the panel, or when a
    municipality is both treated and excluded.
    """
    treated = _starts(connection, spec)
    excluded = spec.comparison.exclude_donors
    own = {s.unit for s in treated}
    if both := sorted(own & set(excluded)):
        raise SpecError(
            f"{spec.file}: municipality {both[0]} is both treated and in exclude_donors; expected one of them. "
            f"Correct [comparison]."
        )
    if spec.comparison.exclude_neighbours:
        excluded = tuple(dict.fromkeys((*excluded, *sorted(_around(own) - own))))
    everyone = _present(connection, spec)
    outside = own | set(excluded)
    return Design(
        treated=treated,
        donors=tuple(code for code in everyone if code not in outside),
        excluded=excluded,
        periods=periods_between(spec.panel.from_, spec.panel.to, spec.panel.period_months),
        period_months=spec.panel.period_months,
    )


def _around(codes: set[str]) -> set[str]:
    """Return the neighbours of municipalities; a code that is none of the 98 has none."""
    known = {each.code for each in municipalities()}
    return {other for code in codes & known for other in neighbours(code)}


def _present(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec) -> list[str]:
    """Return the codes of the real municipalities that the loaded data know, in order."""
    table = "benefit_spells" if spec.panel.source == "registers" else "municipality_statistics"
    found = connection.execute(
        "select municipality_code from raw.municipalities "
        f"where municipality_code in (select municipality_code from marts.{table}) order by 1"
    ).fetchall()
    return [row[0] for row in found]


def _starts(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec) -> tuple[Start, ...]:
    if spec.intervention.kind == "sanction":
        return ()
    starts = spec.intervention.starts or tuple(
        Start(*row)
        for row in connection.execute(
            "select municipality_code, min(start_on) from staging.stg_interventions where intervention = ? group by 1",
            [spec.intervention.name],
        ).fetchall()
    )
    if not starts:
        raise SpecError(
            f"{spec.file}: no start is known for intervention '{spec.intervention.name}'; expected rows in extract "
            f"'indsats' or 'starts' in [intervention]. Load the extract or write the starts."
        )
    if any(not spec.panel.from_ < s.on <= spec.panel.to for s in starts):
        raise SpecError(
            f"{spec.file}: a start of '{spec.intervention.name}' lies outside the panel; expected it between 'from' "
            f"and 'to' of [panel]. Widen the panel."
        )
    return tuple(sorted(starts, key=lambda s: s.unit))
