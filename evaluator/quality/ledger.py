"""Where the rows of the deliveries went: kept, rejected and why, replaced, merged; and which columns are unknown."""

from __future__ import annotations

from functools import cache

import duckdb

from evaluator.extracts.column_sql import literal, quoted
from evaluator.extracts.contract import Column, Contract, contracts
from evaluator.models import Model, read_models
from evaluator.release_rules import Row

MERGING = ("beskaeftigelse", "kommunepanel")
"""Extracts whose staging sums or leaves out rows: corrections of wages, and Christiansø, which is no municipality."""

NOT_STATED = "uoplyst"  # a code of a domain that says that nothing is known


def deliveries(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return one row per delivered file: rows = usable + rejected + replaced.

    `replaced` rows gave way to a later delivery of the same period. The newest delivery of an extract has lost none,
    and its rejects are those that the ledger counted: otherwise `is_balanced` is false.
    """
    kept = {contract.name: _kept(connection, contract.name) for contract in contracts()}
    rejects = dict(
        connection.execute("select delivery_id, count(distinct line) from raw.rejects group by 1").fetchall()
    )
    cursor = connection.execute(
        "select delivery_id, extract, file, rows, rejected, period_from, period_to, sha256, loaded_at::date, "
        "delivery_id = max(delivery_id) over (partition by extract) from raw.deliveries order by extract, delivery_id"
    )
    found = []
    for number, extract, file, rows, rejected, first, last, digest, loaded_on, is_newest in cursor.fetchall():
        here = kept.get(extract, {}).get(number, 0)
        unread = rejects.get(number, 0)
        found.append(
            {
                **{"extract": extract, "file": file, "sha256": digest, "loaded_on": loaded_on, "rows": rows},
                **{"usable": here - unread, "rejected": unread, "replaced": rows - here},
                **{"period_from": first, "period_to": last},
                "is_balanced": unread <= here <= rows and (not is_newest or (here == rows and unread == rejected)),
            }
        )
    return found


def reconciled(connection: duckdb.DuckDBPyConnection, delivered: list[Row]) -> list[Row]:
    """Return one row per extract: rows = typed + merged + rejected + replaced.

    `typed` are the rows of its staging table, or the usable ones where no single table is its own.
    """
    found = []
    for extract in dict.fromkeys(row["extract"] for row in delivered):
        own = [row for row in delivered if row["extract"] == extract]
        sums = {name: sum(row[name] for row in own) for name in ("rows", "usable", "rejected", "replaced")}
        model = _staging().get(extract)
        usable = sums.pop("usable")
        typed = usable if model is None else connection.execute(f"select count(*) from {model.table}").fetchall()[0][0]
        merged = usable - typed
        adds_up = merged == 0 or (merged > 0 and extract in MERGING)
        found.append(
            {
                "extract": extract,
                "typed": typed,
                **sums,
                "merged": merged,
                "is_balanced": adds_up and all(row["is_balanced"] for row in own),
            }
        )
    return found


def rejects(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return rejected rows by extract, column and reason: missing, unknown_code, or the type that they cannot be."""
    known = {(contract.name, column.name): column for contract in contracts() for column in contract.columns}
    named = connection.execute("select distinct extract, column_name from raw.rejects order by all").fetchall()
    found = []
    for extract, name in named:
        counted = connection.execute(
            f"select {_reason(known.get((extract, name)))} as reason, count(*) from raw.rejects as reject "
            f"inner join raw.{extract} as r on r._delivery = reject.delivery_id and r._line = reject.line "
            "where reject.extract = ? and reject.column_name = ? group by 1 order by 1",
            [extract, name],
        ).fetchall()
        found += [{"extract": extract, "column_name": name, "reason": how, "rows": rows} for how, rows in counted]
    return found


def _reason(column: Column | None) -> str:
    """Return the SQL of what is wrong with a rejected value; a column that no contract names cannot be read."""
    if column is None:
        return "'unreadable'"
    value = f"r.{quoted(column.name)}"
    codes = ", ".join(map(literal, column.domain))
    unknown = f"when {value} not in ({codes}) then 'unknown_code'" if codes else ""
    return f"case when {value} is null then 'missing' {unknown} else '{column.type}' end"


def unknowns(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return, for each column of each delivered extract, how many usable rows do not know it.

    `may_be_blank`: the contract lets a row leave it empty, as the end of a spell that still runs.
    """
    found = []
    for contract in contracts():
        parts = ", ".join(f"count(*) filter (where {_is_unknown(column)})" for column in contract.columns)
        [(rows, *counts)] = connection.execute(
            f"select count(*), {parts} from {usable_rows(contract)}", [contract.name]
        ).fetchall()
        if rows:
            found += [
                {
                    **{"extract": contract.name, "column_name": column.name, "rows": rows, "unknown": unknown},
                    "may_be_blank": column.blank,
                }
                for column, unknown in zip(contract.columns, counts, strict=True)
            ]
    return found


def merged(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return by delivery and rule the rows that are not loaded as rows of their own, though nothing is wrong with them.

    `correction`: negative rows of wages, added to the month that they correct; `several_jobs`: other rows of a month
    that are added up; `christiansoe`: rows of no municipality.
    """
    [wages] = [contract for contract in contracts() if contract.summed]
    added = f"""
        select _delivery, count(*) - 1 as merged,
            least(count(*) filter (where as_decimal(timer) < 0 or as_decimal(loen) < 0), merged) as corrections
        from {usable_rows(wages)} group by _delivery, as_text(pnr_pseudo), as_month(maaned)
    """
    panel = next(contract for contract in contracts() if contract.name == "kommunepanel")
    counts = [
        (f"select _delivery, 'correction', sum(corrections) from ({added}) group by 1", [wages.name]),
        (f"select _delivery, 'several_jobs', sum(merged - corrections) from ({added}) group by 1", [wages.name]),
        (
            f"select _delivery, 'christiansoe', count(*) from {usable_rows(panel)} "
            "where as_municipality(kommunekode) is not distinct from no_municipality() group by 1",
            [panel.name],
        ),
    ]
    files = {
        number: {"extract": extract, "file": file, "sha256": digest}
        for number, extract, file, digest in connection.execute(
            "select delivery_id, extract, file, sha256 from raw.deliveries order by all"
        ).fetchall()
    }
    found = [row for query, values in counts for row in connection.execute(query, values).fetchall()]
    return [{**files[number], "rule": rule, "rows": int(rows)} for number, rule, rows in sorted(found) if rows]


def replaced(delivered: list[Row]) -> list[Row]:
    """Return the rows of each delivery that a later one took the place of, by the rule: all of them, or a part."""
    return [
        {
            **{name: row[name] for name in ("extract", "file", "sha256")},
            "rule": "redelivered" if row["replaced"] == row["rows"] else "overlapping",
            "rows": row["replaced"],
        }
        for row in delivered
        if row["replaced"]
    ]


def judged(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the columns whose numbers the CPR guard passed: declared, or told by their dates."""
    found = connection.execute(
        "select j.extract, d.file, d.sha256, j.column_name, j.verdict, j.numbers, j.dated "
        "from raw.judged_columns as j join raw.deliveries as d using (delivery_id) order by all"
    ).fetchall()
    names = ("extract", "file", "sha256", "column_name", "verdict", "numbers", "dated")
    return [dict(zip(names, row, strict=True)) for row in found]


def usable_rows(contract: Contract) -> str:
    """Return the rows of an extract that were not rejected, as the source `r` of a query with its name as parameter."""
    return (
        f"raw.{contract.name} as r anti join (select delivery_id as _delivery, line as _line from raw.rejects "
        "where extract = ?) as reject on reject._delivery = r._delivery and reject._line = r._line"
    )


def _is_unknown(column: Column) -> str:
    value = f"r.{quoted(column.name)}"
    return " or ".join(
        [
            f"{value} is null",
            *([f"{value} = {literal(NOT_STATED)}"] if NOT_STATED in column.domain else []),
            *([f"is_suppressed({value})"] if column.type == "statistic" else []),
        ]
    )


def _kept(connection: duckdb.DuckDBPyConnection, extract: str) -> dict[int, int]:
    return dict(connection.execute(f"select _delivery, count(*) from raw.{extract} group by 1").fetchall())


@cache
def _staging() -> dict[str, Model]:
    """Return the staging model of each extract that is read by one model, which holds no other extract's rows."""
    names = {f"raw.{contract.name}": contract.name for contract in contracts()}
    readers: dict[str, list[Model]] = {}
    for model in read_models(("staging",)):
        for name in names.keys() & set(model.inputs):
            readers.setdefault(names[name], []).append(model)
    return {
        extract: models[0]
        for extract, models in readers.items()
        if len(models) == 1
        and len(names.keys() & set(models[0].inputs)) == 1
        and not any(name.startswith("staging.") for name in models[0].inputs)
    }
