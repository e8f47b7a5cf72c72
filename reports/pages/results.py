"""The evidence behind page one: over time, by group, against placebos."""

from __future__ import annotations

from typing import Any

from reports import method_words, numbers, words
from reports.charts import caseload, event_study, forest, over_time, placebo
from reports.figure import Figure, Table
from reports.pages import family, front, municipality, robustness, sanctions
from reports.released import Released, Row

REFUSED = (
    "Forløb omkring starten, kommuner over tid, placebotest, grupper og øvrige udfald vises ikke, fordi der ikke kan "
    "beregnes et svar."
)


def context(released: Released) -> dict[str, list[dict[str, Any]]]:
    """Return the `sections` of evidence in reading order, and those `left_out`, which have nothing but a reason."""
    every = _sections(released)
    shown = [section for section in every if section["figures"] or section["tables"]]
    return {"sections": shown, "left_out": [section for section in every if section not in shown]}


def _sections(released: Released) -> list[dict[str, Any]]:
    if released.answer_kind == "refused":
        figures = _caseload(released)
        shown = [_section("sagstal", "Sagstallet: planlagt og målt", figures, "")] if any(figures) else []
        return [*sanctions.sections(released), *shown, _section("beregninger", "Beregninger", [], REFUSED)]
    return [
        *sanctions.sections(released),
        _section("sagstal", "Sagstallet: planlagt og målt", _caseload(released), _no_caseload(released)),
        _course(released),
        {
            **_section(
                "holdbarhed", "Hvor holdbart er svaret?", robustness.figures(released), robustness.why_none(released)
            ),
            "tables": municipality.robustness_tables(released),
        },
        _section("over-tid", "Kommuner over tid", [_time(released)], _no_time(released)),
        _section("placebo", "Placebotest", [_placebo(released)], _no_placebo(released)),
        _section("hvem", "Hvem har gavn", [_groups(released)], _no_groups(released)),
        {**_section("udfald", "Alle udfald", [_outcomes(released)], _no_outcomes(released)), "tables": _all(released)},
    ]


def _course(released: Released) -> dict[str, Any]:
    """Return the course around the start: of one municipality beside its own comparison, or by event time."""
    if released["paths"]:
        shown = _section("kommunen", "Kommunen mod sin egen sammenligning", municipality.figures(released), "")
        return {**shown, "tables": municipality.tables(released)}
    shown = _section("forloeb", "Forløbet omkring starten", [_event(released)], _no_event(released))
    return {**shown, "tables": municipality.tables(released)}


def _section(key: str, heading: str, figures: list[Figure | None], why: str) -> dict[str, Any]:
    shown = [f for f in figures if f is not None]
    return {"key": key, "heading": heading, "figures": shown, "why": "" if shown else why, "tables": []}


def _caseload(released: Released) -> list[Figure | None]:
    rows = released["delivery"]
    reached = sum(row["verdict"] == "delivered" for row in rows)
    title = f"{reached} af {len(rows)} kommuner nåede mindst 75 pct. af det planlagte fald"
    if not any(numbers.is_known(row["planned_after"]) for row in rows):
        title = "Målt sagstal før og efter starten"
    shown = caseload.delivered(rows, title, front.delivery_table(rows)) if rows else None
    return [shown, caseload.path(released["caseload_path"], "Sagstallet måned for måned")]


def _no_caseload(released: Released) -> str:
    if not released["delivery"]:
        return "Evalueringen har ikke et planlagt sagstal at måle op imod."
    return "Der er ikke leveret et målt sagstal, så det er ukendt, om indsatsen blev gennemført."


def _event(released: Released) -> Figure | None:
    rows = [r for r in released.primary("estimates") if r["aggregate"] == "event"]
    rows.sort(key=lambda row: row["at"])
    return event_study.event_study(rows, released.fact("period", "month"), _event_title(rows))


def _event_title(rows: list[Row]) -> str:
    """Return the finding: how many intervals hold zero before the start, and after."""
    before = [r for r in rows if r["at"] < 0 and not r["is_partly_exposed"] and numbers.is_known(r["low"])]
    after = [r for r in rows if r["at"] >= 0 and numbers.is_known(r["low"])]
    held = [sum(r["low"] <= 0 <= r["high"] for r in part) for part in (before, after)]
    return f"Før start rummer {held[0]} af {len(before)} intervaller nul; efter start {held[1]} af {len(after)}"


def _no_event(released: Released) -> str:
    if released.is_association:
        return "Sanktioner har ingen fælles startdato, så der er intet forløb at vise."
    rows = [r for r in released.primary("estimates") if r["aggregate"] == "event"]
    if any(r["status"] == "suppressed" for r in rows):
        return "Forløbet er diskretioneret: der er for få personer bag hver periode til at vise den."
    if reasons := [r["reason"] for r in rows if r["reason"]]:
        return f"Forløbet kan ikke beregnes: {reasons[0]}"
    return "Metoden giver ét tal for hele perioden og ikke et forløb omkring starten."


def _time(released: Released) -> Figure | None:
    return over_time.over_time(
        released.primary("means"),
        released.fact("first_start"),
        released.fact("period", "month"),
        words.outcome(released.outcome).label,
        is_index=released.outcome == "recipients",
    )


def _no_time(released: Released) -> str:
    if released.is_association:
        return "Alle kommuner giver sanktioner, så der er ikke en gruppe med og en uden at tegne op mod hinanden."
    if released.primary("means"):
        return "Tallene over tid er diskretioneret: der er for få personer bag hver periode til at vise dem."
    return "Der er ingen frigivne tal over tid for dette udfald."


def _placebo(released: Released) -> Figure | None:
    rows = [r for r in released["placebos"] if r["outcome"] == released.outcome]
    unit = (released.overall() or {}).get("unit", "share")
    rank, of = released.fact("rank"), released.fact("rank_of")
    title = f"Forskellen er nummer {rank} af {of} nedefra" if rank else "Forskellen blandt alle kommuner"
    return placebo.placebo(rows, unit, title, _ranks(released))


def _ranks(released: Released) -> tuple[str, ...]:
    """Return the plain rank, the test that counts, and the municipalities that could not be compared."""
    notes = []
    if rank := released.fact("rank"):
        notes.append(
            f"Uden skalering: nummer {rank} af {released.fact('rank_of')} nedefra; ensidet p = "
            f"{_p(released, 'p_below')}, tosidet p = {_p(released, 'p_two_sided')}."
        )
    own = released.overall()
    if own is not None and own["method"] == "ferman_pinto":
        notes.append(
            "Bragt til kommunens størrelse (små kommuner svinger mere): tosidet p = "
            f"{numbers.p_value(own['p_value'])}. Det er rapportens test."
        )
    unknown, small = released.whole("municipalities_unknown"), released.whole("municipalities_below_minimum")
    if unknown is not None and small is not None:
        notes.append(
            f"Ikke med: {unknown} kommuner med nul eller ukendte tal i perioden og {small} med under "
            f"{released.fact('minimum_level')} modtagere. Nul og ukendt kan ikke regnes i procent."
        )
    return tuple(notes)


def _p(released: Released, key: str) -> str:
    value = released.fact(key)
    return numbers.number(float(value), 3) if value else numbers.MISSING


def _no_placebo(released: Released) -> str:
    if released["placebos"]:
        return "Der er for få kommuner med nok personer til at vise en placebotest."
    return "Placebotest over kommuner bruges, når under fem kommuner har indsatsen. Her er der flere."


def _groups(released: Released) -> Figure | None:
    rows = [r for r in released["groups"] if r.get("arm") in (None, "", "treated")]
    lines = [
        forest.Line(
            words.GROUPINGS.get(row["grouping"], str(row["grouping"])),
            words.group(row["group_name"]),
            row["value"],
            row["low"],
            row["high"],
            row["persons"],
            row["status"],
            row["reason"] or "",
        )
        for row in rows
    ]
    caption = (
        "Streg: 95 pct. interval. Grupper med under 20 personer eller tre kommuner beregnes ikke. Forskelle mellem "
        "grupper er mere usikre end hver gruppes eget tal."
    )
    unit = (released.overall() or {}).get("unit", "share")
    return forest.forest(lines, "hvem-har-gavn", unit, _clear(lines, "grupper"), caption, ("gruppe", "grupper"))


def _clear(lines: list[forest.Line], noun: str) -> str:
    """Return the finding of a forest: how many intervals leave zero out."""
    known = [(line.low, line.high) for line in lines if line.low is not None and line.high is not None]
    clear = sum(not low <= 0 <= high for low, high in known)
    return f"{clear} af {len(known)} {noun} har et interval, der ikke rummer nul"


def _no_groups(released: Released) -> str:
    if any(r["status"] == "suppressed" for r in released["groups"]):
        return "Grupperne er diskretioneret: der er for få personer bag dem til at vise dem."
    return "Grupper er ikke beregnet: evalueringen beder ikke om det, eller data rækker ikke."


def _main_estimates(released: Released) -> list[Row]:
    rows = [r for r in released["estimates"] if r["aggregate"] == "overall"]
    return sorted(
        rows,
        key=lambda r: (
            not r["is_primary"],
            list(words.OUTCOMES).index(r["outcome"]) if r["outcome"] in words.OUTCOMES else 99,
            r["horizon_weeks"] or 0,
        ),
    )


def _outcomes(released: Released) -> Figure | None:
    rows = _main_estimates(released)
    if len(rows) < 2 or released.is_association:
        return None
    unit = rows[0]["unit"]
    lines = [
        forest.outcome_line(row)
        for row in rows
        if row["unit"] == unit and (row["horizon_weeks"] or None) == released.horizon
    ]
    caption = "Streg: 95 pct. interval. Rude: det udfald, der på forhånd er valgt som det vigtigste."
    return forest.forest(lines, "alle-udfald", unit, _clear(lines, "udfald"), caption)


def _no_outcomes(released: Released) -> str:
    if released.is_association:
        return "Figuren står på første side."
    if len(_main_estimates(released)) < 2:
        return "Evalueringen har ét udfald; det står på første side."
    return "Udfaldene vises ikke: der er for få personer bag dem, eller de kan ikke beregnes. Tabellen siger hvilke."


def _all(released: Released) -> list[tuple[str, Table]]:
    """Return every overall estimate, also of other horizons and units."""
    rows = _main_estimates(released)
    if len(rows) < 2:
        return []
    columns = {
        "Udfald": [words.outcome(r["outcome"]).label for r in rows],
        "Horisont": [f"{r['horizon_weeks']} uger" if r["horizon_weeks"] else "hele perioden" for r in rows],
        "Forskel": [numbers.effect(r["value"], r["unit"], r["status"]) for r in rows],
        "95 pct. interval": [numbers.interval(r["low"], r["high"], r["unit"], r["status"]) for r in rows],
        "p": [numbers.p_value(r["p_value"]) for r in rows],
        "p, korrigeret": [numbers.p_value(r["p_family"]) for r in rows],
        "Personer": [numbers.count(r["n"], r["status"]) for r in rows],
        "Kommuner": [numbers.count(r["treated_clusters"], r["status"]) for r in rows],
        "Bemærkning": [r["reason"] or _other_inference(r, rows[0]) for r in rows],
    }
    caption = ""
    if size := family.looked_at(released):
        caption = (
            "Jo flere udfald, jo lettere rammer tilfældet et af dem: p er korrigeret for "
            f"de {size}, der på forhånd er valgt og kan beregnes, og under 0,05 er et fund også blandt dem."
        )
    else:
        del columns["p, korrigeret"]
    if not any(columns["Bemærkning"]):
        del columns["Bemærkning"]
    body = tuple(zip(*columns.values(), strict=True))
    words_in = frozenset(at for at, name in enumerate(columns) if name in ("Udfald", "Horisont", "Bemærkning"))
    shown = Table(tuple(columns), body, caption, words_in)
    return [("Alle beregnede udfald og horisonter", shown)]


def _other_inference(row: Row, answer: Row) -> str:
    """Return where a row's uncertainty comes from, if not from where the answer's does."""
    method = row["method"] or ""
    return "" if method == answer["method"] else method_words.INFERENCE.get(method, method)
