"""The evidence behind page one: over time, by group, against placebos."""

from __future__ import annotations

from typing import Any

from reports import numbers, words
from reports.charts import caseload, event_study, forest, over_time, placebo
from reports.figure import Figure, Table
from reports.pages import front
from reports.released import Released, Row

REFUSED = "Vises ikke, fordi der ikke kan beregnes et svar for denne evaluering."


def context(released: Released) -> list[dict[str, Any]]:
    """Return the sections of evidence in reading order; one without data says why."""
    return [
        _section("sagstal", "Sagstallet: planlagt og målt", _caseload(released), _no_caseload(released)),
        _section("forloeb", "Forløbet omkring starten", [_event(released)], _no_event(released)),
        _section("over-tid", "Kommuner over tid", [_time(released)], _no_time(released)),
        _section("placebo", "Placebotest", [_placebo(released)], _no_placebo(released)),
        _section("hvem", "Hvem har gavn", [_groups(released)], _no_groups(released)),
        {**_section("udfald", "Alle udfald", [_outcomes(released)], _no_outcomes(released)), "table": _all(released)},
    ]


def _section(key: str, heading: str, figures: list[Figure | None], why: str) -> dict[str, Any]:
    shown = [f for f in figures if f is not None]
    return {"key": key, "heading": heading, "figures": shown, "why": "" if shown else why, "table": None}


def _refused_or(released: Released, why: str) -> str:
    return REFUSED if released.answer_kind == "refused" else why


def _caseload(released: Released) -> list[Figure | None]:
    rows = released["delivery"]
    title = "Hvor langt kommunerne nåede mod det planlagte sagstal"
    shown = caseload.delivered(rows, title, front.delivery_table(rows)) if rows else None
    return [shown, caseload.path(released["caseload_path"], "Sagstallet måned for måned")]


def _no_caseload(released: Released) -> str:
    return "Der er ikke leveret et målt sagstal, så det er ukendt, om indsatsen blev gennemført."


def _event(released: Released) -> Figure | None:
    rows = [r for r in released.primary("estimates") if r["aggregate"] == "event"]
    rows.sort(key=lambda row: row["at"])
    label = words.outcome(released.outcome).label
    return event_study.event_study(rows, released.fact("period", "month"), f"{label}: forskellen før og efter starten")


def _no_event(released: Released) -> str:
    if released.is_association:
        return "Sanktioner har ingen fælles startdato, så der er intet forløb at vise."
    return _refused_or(released, "Metoden giver ét tal for hele perioden og ikke et forløb omkring starten.")


def _time(released: Released) -> Figure | None:
    label = words.outcome(released.outcome).label
    title = f"{label} i kommuner med indsatsen og i sammenligningen"
    return over_time.over_time(
        released.primary("means"), released.fact("first_start"), released.fact("period", "month"), title
    )


def _no_time(released: Released) -> str:
    if released.is_association:
        return "Alle kommuner giver sanktioner, så der er ikke en gruppe med og en uden at tegne op mod hinanden."
    return _refused_or(released, "Der er ingen frigivne tal over tid for dette udfald.")


def _placebo(released: Released) -> Figure | None:
    rows = [r for r in released["placebos"] if r["outcome"] == released.outcome]
    unit = (released.overall() or {}).get("unit", "share")
    return placebo.placebo(rows, unit, "Er forskellen usædvanlig blandt alle kommuner?")


def _no_placebo(released: Released) -> str:
    why = "Placebotest over kommuner bruges, når under fem kommuner har indsatsen. Her er der flere."
    return _refused_or(released, why)


def _groups(released: Released) -> Figure | None:
    rows = [r for r in released["groups"] if r.get("arm") in (None, "", "treated")]
    lines = [
        forest.Line(
            words.GROUPINGS.get(row["grouping"], str(row["grouping"])), words.group(row["group_name"]), row["value"],
            row["low"], row["high"], row["persons"], row["status"], row["reason"] or "",
        )
        for row in rows
    ]  # fmt: skip
    caption = (
        "Streg: 95 pct. interval. Grupper med under 20 personer eller tre kommuner beregnes ikke. Forskelle mellem "
        "grupper er mere usikre end hver gruppes eget tal."
    )
    unit = (released.overall() or {}).get("unit", "share")
    return forest.forest(lines, "hvem-har-gavn", unit, "Forskellen i hver gruppe", caption)


def _no_groups(released: Released) -> str:
    return _refused_or(released, "Grupper er ikke beregnet: evalueringen beder ikke om det, eller data rækker ikke.")


def _main_estimates(released: Released) -> list[Row]:
    rows = [r for r in released["estimates"] if r["aggregate"] == "overall"]
    return sorted(rows, key=lambda r: (not r["is_primary"], list(words.OUTCOMES).index(r["outcome"])
                  if r["outcome"] in words.OUTCOMES else 99, r["horizon_weeks"] or 0))  # fmt: skip


def _outcomes(released: Released) -> Figure | None:
    rows = _main_estimates(released)
    if len(rows) < 2:
        return None
    unit = rows[0]["unit"]
    lines = [
        forest.Line(
            "",
            _named(row),
            row["value"],
            row["low"],
            row["high"],
            row["n"],
            row["status"],
            row["reason"] or "",
            bool(row["is_primary"]),
        )  # fmt: skip
        for row in rows
        if row["unit"] == unit and (row["horizon_weeks"] or None) == released.horizon
    ]
    caption = "Streg: 95 pct. interval. Rude: det udfald, der på forhånd er valgt som det vigtigste."
    return forest.forest(lines, "alle-udfald", unit, "Alle udfald ved samme horisont", caption)


def _named(row: Row) -> str:
    return words.outcome(row["outcome"]).label


def _no_outcomes(released: Released) -> str:
    return _refused_or(released, "Evalueringen har ét udfald; det står på første side.")


def _all(released: Released) -> Table | None:
    """Return every overall estimate, also of other horizons and units."""
    rows = _main_estimates(released)
    if len(rows) < 2:
        return None
    headers = (
        "Udfald",
        "Horisont",
        "Forskel",
        "95 pct. interval",
        "Personer",
        "Kommuner med indsatsen",
        "Usikkerhed fra",
    )
    body = tuple(
        (
            _named(row),
            f"{row['horizon_weeks']} uger" if row["horizon_weeks"] else "hele perioden",
            numbers.effect(row["value"], row["unit"], row["status"]),
            numbers.interval(row["low"], row["high"], row["unit"], row["status"]),
            numbers.count(row["n"], row["status"]),
            numbers.count(row["treated_clusters"], row["status"]),
            row["reason"] or words.INFERENCE.get(row["method"] or "", row["method"] or ""),
        )
        for row in rows
    )
    return Table(headers, body, caption="Alle beregnede udfald og horisonter", words=frozenset({0, 1, 6}))
