"""SQL for one column of a contract: how its text is kept in raw.*, and when a row must be rejected for it.

The types are read by the same macros as staging uses (sql/macros/parsing.sql), so what is not rejected can be typed.
"""

from __future__ import annotations

from evaluator.extracts.contract import Column, Contract

TYPED = {
    "date": "as_date",
    "month": "as_month",
    "period": "as_period",
    "integer": "as_integer",
    "decimal": "as_decimal",
    "statistic": "as_statistic",
    "flag": "as_flag",
    "municipality": "as_municipality",
    "area": "as_municipality",
    "iso_year": "as_iso_year",
    "iso_week": "as_iso_week",
}
RUNS = "struct(fra date, til date, kode varchar)[]"
LETTERS = (("æ", "ae"), ("ø", "oe"), ("å", "aa"), (" ", "_"), ("-", "_"))


def stored(column: Column) -> str:
    """Return the type that raw.* keeps the column in: text, or the runs of equal values of a wide one."""
    return RUNS if column.is_wide else "varchar"


def quoted(name: str) -> str:
    return f'"{name}"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def kept(column: Column, source: str) -> str:
    """Return the text that raw.* keeps: blanks around it gone, blank as null, a word of the domain in its spelling."""
    text = f"as_text({source})"
    if not column.domain:
        return text
    folded = f"lower(trim({source}))"
    for letter, plain in LETTERS:
        folded = f"replace({folded}, {literal(letter)}, {literal(plain)})"
    cases = " ".join(f"when {literal(word.lower())} then {literal(word)}" for word in column.domain)
    words = ", ".join(literal(word) for word in column.domain)
    return f"case when {source} in ({words}) then {source} else case {folded} {cases} else {text} end end"


def faulty(column: Column) -> str:
    """Return the condition under which a row of raw.* is rejected for this column."""
    name = quoted(column.name)
    wrong = []
    if not column.blank and column.required:
        wrong.append(f"{name} is null")
    if column.domain:
        wrong.append(f"{name} not in ({', '.join(literal(word) for word in column.domain)})")
    if column.type in TYPED:
        unread = f"{name} is not null and {TYPED[column.type]}({name}) is null"
        wrong.append(f"({unread} and not is_suppressed({name}))" if column.type == "statistic" else f"({unread})")
    if column.type == "municipality":
        wrong.append(f"(as_municipality({name}) not in (select municipality_code from raw.municipalities))")
    return "coalesce(" + " or ".join(wrong) + ", false)" if wrong else "false"


def period_of(contract: Contract, table: str) -> str:
    """Return the date that a row of `table` belongs to, or null for an extract that is delivered whole."""
    if contract.period is None:
        return "null::date"
    return f"{TYPED[contract.column(contract.period).type]}({table}.{quoted(contract.period)})"


def scope_of(contract: Contract, table: str) -> str:
    """Return a text that is equal for rows which replace each other: the scope, and the kind of period."""
    parts = []
    for name in contract.scope:
        text = f"{table}.{quoted(name)}"
        typed = f"as_municipality({text})" if contract.column(name).type == "municipality" else text
        parts.append(f"coalesce({typed}, '')")
    if contract.period and contract.column(contract.period).type == "period":
        parts.append(f"coalesce(as_period_kind({table}.{quoted(contract.period)}), '')")
    return f"concat_ws('|', {', '.join(parts)})" if parts else "''"


def municipality_of(contract: Contract) -> str | None:
    """Return the expression for the municipality that a row of persons belongs to; of several years, the last one's."""
    if contract.partition is None:
        return None
    name = quoted(contract.partition)
    return (
        f"as_municipality({name}[-1].kode)"
        if contract.column(contract.partition).is_wide
        else f"as_municipality({name})"
    )
