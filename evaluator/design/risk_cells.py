"""Risk sets week by week, cut into cells of people with the same history, and summed: what the landmark design reads.

The weeks of persons never leave the database: sums by cell and cluster do, so that time is linear in person-weeks and
memory in the sanctioned.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import duckdb

from evaluator.errors import PanelError
from evaluator.spec import END_STATES

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Band:
    """A number cut into pieces: cuts[i] <= value < cuts[i + 1] is piece i; under the first cut, and null, are apart."""

    column: str
    cuts: tuple[int, ...]

    def labels(self) -> dict[int, str]:
        """Return the name of each piece by its number."""
        ends = [f"{low}-{high - 1}" if high - low > 1 else f"{low}" for low, high in pairwise(self.cuts)]
        return {-2: "unknown", -1: f"under {self.cuts[0]}", **dict(enumerate([*ends, f"{self.cuts[-1]}-"]))}

    def sql(self) -> str:
        """Return the number of the piece: -2 for null, -1 under the first cut."""
        pieces = " ".join(
            f"when {_quoted(self.column)} >= {cut} then {i}" for i, cut in reversed([*enumerate(self.cuts)])
        )
        return f"case when {_quoted(self.column)} is null then -2 {pieces} else -1 end"


SPELL_WEEK = Band("spell_week", (0, 4, 13, 26, 52, 104))
HISTORY: tuple[str | Band, ...] = (
    "municipality_code",
    "quarter_on",
    "benefit",
    "target_group",
    "age_group",
    SPELL_WEEK,
    Band("no_shows", (0, 1, 2, 3)),
    Band("weeks_since_no_show", (0, 2, 5, 13)),
    Band("earlier_sanctions", (0, 1)),
    Band("work_months", (0, 1, 6)),
)
"""The same history: place, quarter, benefit, target group, age, week of spell, missed meetings and how long ago,
earlier sanctions, work before. The first piece of `weeks_since_no_show` is the week before: a sanction follows a missed
meeting, and whoever misses one may have found work, so that somebody who never missed any is no comparison."""
SHORT_HISTORY: tuple[str | Band, ...] = (
    "municipality_code",
    "target_group",
    SPELL_WEEK,
    Band("no_shows", (0, 1, 2, 3)),
    Band("weeks_since_no_show", (0, 2, 5, 13)),
)
"""For few persons: 12,000 synthetic ones in 98 municipalities leave 9 % of the sanctioned a comparison on the whole
history, and 89 % on this."""
SANCTIONING: tuple[str | Band, ...] = (
    "municipality_code",
    "target_group",
    Band("spell_week", (0, 13, 52)),
    Band("weeks_since_no_show", (0, 2, 5, 13)),
)
"""What the chance of a first sanction in a week follows: coarser than the history, as a share of each cell is taken."""
BALANCE = ("spell_week", "no_shows", "weeks_since_no_show", "earlier_sanctions", "work_months", "has_children", "sex")


@dataclass(frozen=True, slots=True)
class Matching:
    """Which comparison is made. With and without reversed decisions: two calls that differ in `decisions` alone."""

    cells: tuple[str | Band, ...] = HISTORY  # none at all: the naive comparison of everybody at risk
    horizons: tuple[int, ...] = (4, 13, 26, 52)
    decisions: Literal["all", "upheld"] = "all"  # upheld: who got a reversed one is neither sanctioned nor compared
    later: Literal["kept", "censored"] = "kept"  # compared persons who are sanctioned within the horizon
    censoring: tuple[str | Band, ...] = SANCTIONING  # what the weights of `censored` follow
    by: str | Band | None = None  # effects apart, and compared within: a week of spell, a target group
    cluster: str = "municipality_code"  # or person_id, within one or few municipalities
    balance: tuple[str, ...] = BALANCE


@dataclass(frozen=True, slots=True)
class CellSums:
    """Sums over cells in which both arms have persons, and who was left out for want of one."""

    sums: pl.DataFrame  # cell, part, cluster, horizon, is_treated, persons; sums of weight, its square and end states
    moments: pl.DataFrame  # cell, is_treated, persons; a count, sum and sum of squares per trait
    raw: pl.DataFrame  # the same by is_treated over everybody at risk
    traits: tuple[str, ...]
    states: tuple[str, ...]
    matching: Matching
    treated: dict[str, int]  # by part: first sanctions in the risk set
    matched: dict[str, int]  # by part: those of them with somebody to compare with


def cell_sums(
    connection: duckdb.DuckDBPyConnection,
    matching: Matching | None = None,
    risk: str = "design.risk_weeks",
    states: str = "design.risk_states",
) -> CellSums:
    """Return the sums of a comparison from tables with the columns of sql/design/risk_weeks.sql and risk_states.sql.

    At risk is who is on the benefit itself and not yet sanctioned in the spell. A horizon counts for those observed at
    it. With `later = "censored"` compared persons who are sanctioned within the horizon are left out, and the others
    weigh 1 / prod (1 - h) over their later weeks at risk, h the share sanctioned in each week's cell of `censoring`
    (inverse probability of censoring: Robins and Finkelstein 2000, Biometrics 56(3)). Weights have six decimals, so
    sums are the same whatever the number of threads. Raises PanelError for a column that is absent.
    """
    matching = matching or Matching()
    keys = tuple(matching.cells) if matching.by is None else (*matching.cells, matching.by)
    known_columns(connection, risk, (*keys, *matching.censoring), (*matching.balance, matching.cluster))
    names = [f"cell_{i}" for i in range(len(keys))]
    _at_risk(connection, risk, matching, dict(zip(names, keys, strict=True)))
    _match(connection, names)
    traits = _traits(connection, matching.balance)
    part = names[-1] if matching.by is not None else "''"
    found = CellSums(
        sums=_sums(connection, states, matching, names),
        moments=_moments(connection, traits, "matched_weeks", "cell, is_treated"),
        raw=_moments(connection, traits, "at_risk_weeks", "is_treated"),
        traits=tuple(traits),
        states=END_STATES,
        matching=matching,
        treated=_count(connection, "at_risk_weeks", part),
        matched=_count(connection, "matched_weeks", part),
    )
    for table in ("at_risk_weeks", "matched_cells", "matched_weeks"):
        connection.execute(f"drop table temp.{table}")
    return found


def known_columns(
    connection: duckdb.DuckDBPyConnection, table: str, keys: tuple[str | Band, ...], others: tuple[str, ...]
) -> None:
    """Raise PanelError when the table lacks a column of the keys or of the others."""
    known = {str(row[0]) for row in connection.execute(f"describe {table}").fetchall()}
    wanted = {key.column if isinstance(key, Band) else key for key in keys} | set(others)
    if absent := sorted(wanted - known):
        raise PanelError(f"{table}: column '{absent[0]}' is absent; expected one of the table's. Check the matching.")


def sql_of(key: str | Band) -> str:
    """Return a key as SQL; unknown text is a value of its own."""
    return key.sql() if isinstance(key, Band) else f"coalesce({_quoted(key)}::varchar, '')"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _at_risk(connection: duckdb.DuckDBPyConnection, risk: str, matching: Matching, keys: dict[str, str | Band]) -> None:
    """Make the table of the weeks at risk, by cell, with who is sanctioned in them and what a kept week weighs."""
    rates = {f"rate_{i}": key for i, key in enumerate(matching.censoring if matching.later == "censored" else ())}
    cells = "".join(f"{sql_of(key)} as {name}, " for name, key in (keys | rates).items())
    columns = dict.fromkeys(("person_id", "spell_number", "benefit", "week", "spell_week", "sanction_week"))
    columns |= dict.fromkeys((*matching.balance, matching.cluster))
    reach = "".join(
        f", sum(staying) over (partition by person_id, spell_number order by spell_week "
        f"range between 1 following and {weeks} following) as staying_{weeks}"
        for weeks in matching.horizons
    )
    weighed = (
        f"select *{reach} from (select *, case when not is_first then ln(1 - sanctioned / persons)::decimal(18, 9) "
        f"end as staying from (select *, count(*) filter (is_first) over same as sanctioned, count(*) over same as "
        f"persons from weeks window same as (partition by {', '.join(rates) or '1'})))"
    )
    kept = "select * from weeks" if matching.later == "kept" else weighed
    dropped = "where not (is_first and is_reversed)" if matching.decisions == "upheld" else ""
    connection.execute(
        f"""create or replace temp table at_risk_weeks as
        with weeks as (
            select {cells}{", ".join(map(_quoted, columns))}, {sql_of(matching.cluster)} as cluster,
                coalesce(week = sanction_week, false) as is_first, coalesce(is_reversed, false) as is_reversed
            from {risk}
            where is_on_benefit and (sanction_week is null or week <= sanction_week)
        )
        select *, is_first as is_treated from ({kept}) {dropped}"""
    )


def _match(connection: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    """Make the tables of cells with both arms, and of the weeks in them."""
    keys = ", ".join(names)
    connection.execute(
        f"""create or replace temp table matched_cells as
        select {keys + ", " if keys else ""}row_number() over (order by {keys or "1"}) as cell
        from at_risk_weeks
        {"group by " + keys if keys else ""}
        having bool_or(is_treated) and not bool_and(is_treated)"""
    )
    joined = f"inner join matched_cells using ({keys})" if keys else "cross join matched_cells"
    connection.execute(f"create or replace temp table matched_weeks as select * from at_risk_weeks {joined}")


def _sums(connection: duckdb.DuckDBPyConnection, states: str, matching: Matching, names: list[str]) -> pl.DataFrame:
    part = f"any_value({names[-1]}::varchar)" if matching.by is not None else "''"
    found = []
    for weeks in matching.horizons:
        kept, weight = "true", "1"
        if matching.later == "censored":
            kept = f"(is_treated or sanction_week is null or sanction_week > (matched_weeks.week + 7 * {weeks})::date)"
            weight = f"case when is_treated then 1 else exp(-coalesce(staying_{weeks}, 0)) end::decimal(18, 6)"
        shares = ", ".join(
            f"coalesce(sum({weight}) filter ({kept} and state = '{state}'), 0)::double as {state}"
            for state in END_STATES
        )
        found.append(
            connection.sql(
                f"""select cell, {part} as part, cluster, {weeks} as horizon, is_treated, count(*) as persons,
                    coalesce(sum({weight}) filter ({kept}), 0)::double as weight,
                    coalesce(sum({weight} * {weight}) filter ({kept}), 0)::double as square, {shares}
                from matched_weeks inner join {states} as states
                    on states.person_id = matched_weeks.person_id and states.benefit = matched_weeks.benefit
                    and states.week = (matched_weeks.week + 7 * {weeks})::date
                group by cell, cluster, is_treated order by cell, cluster, is_treated"""
            ).pl()
        )
    import polars as pl

    return pl.concat(found)


def _traits(connection: duckdb.DuckDBPyConnection, balance: tuple[str, ...]) -> dict[str, str]:
    """Return the traits whose balance is shown, as SQL of whole numbers: text becomes an indicator for each value."""
    types = {str(row[0]): str(row[1]) for row in connection.execute("describe at_risk_weeks").fetchall()}
    made = {}
    for name in balance:
        if types[name] != "VARCHAR":
            made[name] = f"{_quoted(name)}::bigint"
            continue
        query = f"select distinct {_quoted(name)} from at_risk_weeks where {_quoted(name)} is not null order by 1"
        for (value,) in connection.execute(query).fetchall():
            text = str(value).replace("'", "''")
            made[f"{name}={value}"] = f"({_quoted(name)} = '{text}')::bigint"
    return made


def _moments(connection: duckdb.DuckDBPyConnection, traits: dict[str, str], table: str, keys: str) -> pl.DataFrame:
    columns = "".join(
        f", count({sql})::double as count_{i}, coalesce(sum({sql}), 0)::double as sum_{i}, "
        f"coalesce(sum({sql} * {sql}), 0)::double as square_{i}"
        for i, sql in enumerate(traits.values())
    )
    return connection.sql(
        f"select {keys}, count(*) as persons{columns} from {table} group by {keys} order by {keys}"
    ).pl()


def _count(connection: duckdb.DuckDBPyConnection, table: str, part: str) -> dict[str, int]:
    query = f"select {part}::varchar as part, count(*) filter (is_treated) from {table} group by part order by part"
    return {str(name): int(number) for name, number in connection.execute(query).fetchall()}
