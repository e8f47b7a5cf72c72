"""The kinds of rule a suite may state: plain data, so that a suite reads as a table and imports nothing heavy.

`notes` is Danish: the report and the failure notice print it. A query rule selects the constant 1 per offending row,
so no value of a person can come out of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CRITICAL = "critical"
WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation on one table. `kind` is a key of the table in `expectations.run`."""

    name: str
    kind: str
    notes: str
    severity: str = CRITICAL
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suite:
    """The rules of one table, named with its schema."""

    table: str
    rules: tuple[Rule, ...]


def unique(*columns: str, notes: str, severity: str = CRITICAL) -> Rule:
    """Expect one row per combination of `columns`."""
    return Rule(f"unique({', '.join(columns)})", "unique", notes, severity, {"columns": list(columns)})


def not_null(*columns: str, notes: str, severity: str = CRITICAL) -> tuple[Rule, ...]:
    """Expect a value in every row of each column."""
    return tuple(Rule(f"not_null({column})", "not_null", notes, severity, {"column": column}) for column in columns)


def one_of(column: str, values: tuple[str, ...], *, notes: str, severity: str = CRITICAL) -> Rule:
    """Expect nothing but `values`; a missing value is no offence."""
    return Rule(f"one_of({column})", "one_of", notes, severity, {"column": column, "values": list(values)})


def between(column: str, low: float | None, high: float | None, *, notes: str, severity: str = CRITICAL) -> Rule:
    """Expect `low <= column <= high`; a missing value is no offence."""
    arguments = {"column": column, "low": low, "high": high}
    return Rule(f"between({column}, {low}, {high})", "between", notes, severity, arguments)


def row_count(low: int, high: int | None, *, notes: str, severity: str = CRITICAL) -> Rule:
    """Expect `low <= rows <= high`."""
    return Rule(f"row_count({low}, {high})", "row_count", notes, severity, {"low": low, "high": high})


def none_where(
    name: str, condition: str, *, notes: str, severity: str = CRITICAL, tolerated_share: float = 0.0
) -> Rule:
    """Expect that `condition` (SQL over the table's columns) holds for no row, or for at most a tolerated share."""
    return none_in(name, f"select 1 as offence from {{batch}} where {condition}", notes, severity, tolerated_share)


def none_in(name: str, query: str, notes: str, severity: str = CRITICAL, tolerated_share: float = 0.0) -> Rule:
    """Expect that `query` returns no rows. It must select the constant 1 and name its table `{batch}`."""
    if tolerated_share > 0:
        name = f"{name}, at most {tolerated_share:.0%}"
        query = (
            f"select 1 as offence from ({query}) as offences where (select count(*) from ({query}) as counted)"
            f" > {tolerated_share} * (select count(*) from {{batch}})"
        )
    return Rule(name, "query", notes, severity, {"query": query})


def known_person(
    notes: str = "En person uden stamdata har hverken alder eller kommune og falder ud.",
) -> tuple[Rule, ...]:
    """Expect every person in staging.stg_persons: each miss is a warning, more than one in a hundred stops the run."""
    condition = "person_id not in (select person_id from staging.stg_persons)"
    return (
        none_where("person is known", condition, notes=notes, severity=WARNING),
        none_where("person is known", condition, notes=notes, tolerated_share=0.01),
    )


def known_municipality(*, country_allowed: bool = False) -> Rule:
    """Expect one of the 98 codes, or 000 for the whole country where it is allowed."""
    country = " and municipality_code <> '000'" if country_allowed else " or municipality_code = '000'"
    return none_where(
        "municipality is known",
        f"(municipality_code not in (select municipality_code from raw.municipalities)){country}",
        notes="Koden er ikke en af de 98 kommuner. En ukendt kommune kan hverken være indsats eller kontrol.",
    )


def spells_forward(start: str = "from_on", end: str = "to_on") -> Rule:
    """Expect no spell that ends before it begins."""
    return none_where(
        "spell runs forward",
        f"{end} < {start}",
        notes="Perioden slutter, før den begynder. Varigheden bliver negativ, og alle andele bliver forkerte.",
    )


def spells_apart(*keys: str, start: str = "from_on", end: str = "to_on", severity: str = CRITICAL) -> Rule:
    """Expect that no two spells of the same `keys` share a day. An open spell ends never."""
    within = ", ".join(keys)
    return none_in(
        f"spells of ({within}) do not overlap",
        f"""select 1 as offence from (
            select {end}, lead({start}) over (partition by {within} order by {start}, {end} nulls last) as next_start
            from {{batch}}
        ) as spells where next_start <= coalesce({end}, date '9999-12-31')""",
        notes="To perioder dækker samme dag. Uger på ydelse ville blive talt dobbelt.",
        severity=severity,
    )


def not_after_delivery(column: str, severity: str = WARNING) -> Rule:
    """Expect no date later than the day the last file was loaded."""
    return none_where(
        f"{column} is not in the future",
        f"{column} > (select cast(max(loaded_at) as date) from raw.deliveries)",
        notes="Datoen ligger efter leveringen. Enten er den tastet forkert, eller også er den planlagt og ikke sket.",
        severity=severity,
    )


def first_of_month(column: str) -> Rule:
    """Expect months as their first day."""
    return none_where(
        f"{column} is the first of a month",
        f"day({column}) <> 1",
        notes="Måneder er den 1. i måneden; ellers finder sammenkædningen dem ikke.",
    )


def monday(column: str) -> Rule:
    """Expect weeks as their Monday."""
    return none_where(
        f"{column} is a Monday",
        f"isodow({column}) <> 1",
        notes="Uger er deres mandag; ellers tælles de forskudt.",
    )
