"""The quality report: is the delivery good enough to run, what is missing, what to ask the IT supplier for."""

from __future__ import annotations

from typing import Any

from reports import numbers, quality_words, words
from reports.charts.shares import Told, shares
from reports.charts.volumes import volumes
from reports.figure import Figure, Table
from reports.released import Released, Row

MOST_UNKNOWN = 12
"""Columns in the figure of the unknown; the table has all."""

LATE = ("quarter", "later")
"""Registered more than a month after the meeting."""

EXITS = ("all", "job", "education", "other_benefit", "supported_work", "self_support")
"""Where exits lead, in the order of the columns."""


def context(released: Released) -> dict[str, Any]:
    """Return everything that the page shows."""
    told = {kind: [r for r in released["quality_actions"] if r["kind"] == kind] for kind in ("stop", "ask", "note")}
    light = released.fact("light", "red")
    heading, look = quality_words.ANSWERS[light]
    return {
        "checked": numbers.day(released.fact("checked_on")),
        "light": {"shape": words.LIGHTS[light][0], "colour": light, "word": words.LIGHTS[light][1]},
        "answer": {"heading": heading, "look": look, "sentence": _sentence(told)},
        "box": _box(released),
        "lists": _lists(told),
        "figures": {
            "months": volumes(_in_order(released["quality_series"]), released["quality_breaks"]),
            "unknown": _unknown(released["quality_columns"]),
            "delays": _delays(released["quality_delays"]),
        },
        "tables": {
            "extracts": _extracts(released["quality_extracts"]),
            "deliveries": _deliveries(released["quality_deliveries"]),
            "rejects": _rejects(released["quality_rejects"]),
            "merged": _merged(released["quality_merged"]),
            "judged": _judged(released["quality_judged"]),
            "breaks": _breaks(released["quality_breaks"]),
            "exits": _exits(released["quality_exits"]),
            "reversed": _reversed(released["quality_reversed"]),
            "checks": _checks(released["quality"]),
        },
        "balance": _balance(released["quality_extracts"]),
        "glossary": quality_words.GLOSSARY,
    }


def _in_order(series: list[Row]) -> list[Row]:
    """Return the series with persons on a benefit first, then as the extracts are listed."""
    order = {name: at for at, name in enumerate(quality_words.EXTRACTS)}
    return sorted(series, key=lambda row: (order.get(row["series"], len(order)), row["series"], row["month"]))


def _sentence(told: dict[str, list[Row]]) -> str:
    stops, asks = len(told["stop"]), len(told["ask"])
    wish = f"bed it-leverandøren om {_things(asks)}" if asks else ""
    if stops:
        said = f"{_faults(stops).capitalize()} standser en kørsel."
        return f"{said} Ret {'den' if stops == 1 else 'dem'} først, og {wish or 'indlæs igen'}."
    if asks:
        return f"Leverancen kan bruges, men {wish}."
    return "Leverancen kan bruges, som den er. Der er ikke noget at bede it-leverandøren om."


def _things(number: int) -> str:
    return "én ting" if number == 1 else f"{number} ting"


def _faults(number: int) -> str:
    return "én fejl" if number == 1 else f"{number} fejl"


def _box(released: Released) -> list[tuple[str, str]]:
    extracts, rules = released["quality_extracts"], released["quality"]
    passed = sum(bool(row["passed"]) for row in rules)
    few = any(row["rejected_status"] == "few" for row in extracts)
    rejected = sum(row["rejected"] or 0 for row in extracts)
    lost = numbers.count(rejected) if rejected else quality_words.FEW if few else quality_words.NOTHING
    start, end = released.fact("data_from"), released.fact("data_to")
    return [
        ("Data dækker", f"{numbers.day(start)} – {numbers.day(end)}" if start else "ingen ydelsesdage"),
        ("Seneste levering", numbers.day(released.fact("loaded_on"))),
        ("Filer", numbers.count(len(released["quality_deliveries"]))),
        ("Rækker leveret", numbers.count(sum(row["rows"] or 0 for row in extracts))),
        ("Rækker afvist", lost),
        ("Kontroller bestået", f"{passed} af {len(rules)}"),
    ]


def _lists(told: dict[str, list[Row]]) -> list[dict[str, Any]]:
    absent = [row for row in told["ask"] if row["code"] == "absent"]
    asks = [row for row in told["ask"] if row["code"] != "absent"]
    titled = (
        ("stop", "Det standser en kørsel", told["stop"]),
        ("absent", "Det mangler", absent),
        ("ask", "Bed it-leverandøren om", asks),
        ("note", "Værd at vide", told["note"]),
    )
    lights = {"stop": "red", "absent": "amber", "ask": "amber", "note": "none"}
    return [
        {
            "heading": heading,
            "light": {"shape": words.LIGHTS[lights[key]][0], "colour": lights[key]},
            "lines": [dict(zip(("about", "text"), quality_words.action(row), strict=True)) for row in rows],
        }
        for key, heading, rows in titled
        if rows
    ]


def _balance(rows: list[Row]) -> str:
    wrong = [quality_words.extract(row["extract"]) for row in rows if not row["is_balanced"]]
    if wrong:
        return f"Rækkerne går ikke op i {words.listed(wrong)}."
    return "Hver leveret række er gjort rede for: den er indlæst, lagt sammen med en anden, afvist eller erstattet."


def _extracts(rows: list[Row]) -> Table:
    headers = ("Udtræk", "Leveret", "Indlæst", "Lagt sammen", "Afvist", "Erstattet", "Går op")
    body = tuple(
        (
            quality_words.extract(row["extract"]),
            _rows(row["rows"]),
            *(quality_words.defects(row[n], row[f"{n}_status"]) for n in ("typed", "merged", "rejected", "replaced")),
            "● ja" if row["is_balanced"] else "■ nej",
        )
        for row in rows
    )
    return Table(headers, body, caption="Rækker ind = indlæst + lagt sammen + afvist + erstattet")


def _deliveries(rows: list[Row]) -> Table:
    headers = ("Udtræk", "Fil", "Leveret", "Rækker", "Brugbare", "Afviste", "Erstattede", "Periode", "Fingeraftryk")
    body = tuple(
        (
            quality_words.extract(row["extract"]),
            row["file"],
            numbers.day(row["loaded_on"]),
            _rows(row["rows"]),
            *(quality_words.defects(row[n], row[f"{n}_status"]) for n in ("usable", "rejected", "replaced")),
            f"{numbers.day(row['period_from'])} – {numbers.day(row['period_to'])}" if row["period_from"] else "–",
            (row["sha256"] or "")[:12],
        )
        for row in rows
    )
    return Table(headers, body, caption="Levering for levering", words=frozenset({0, 1, 2, 7, 8}))


def _rows(count: int | None) -> str:
    """Return a number of rows; one that may not leave is told to be small."""
    return quality_words.FEW if count is None else numbers.count(count)


def _checks(rows: list[Row]) -> Table | None:
    results = {"critical": "■\N{NO-BREAK SPACE}standser", "warning": "▲\N{NO-BREAK SPACE}advarsel"}
    body = tuple(
        (
            quality_words.table(row["table_name"]),
            row["notes"] or "",
            "●\N{NO-BREAK SPACE}bestået" if row["passed"] else results.get(row["severity"], row["severity"]),
            quality_words.NOTHING if row["unexpected"] == 0 else _rows(row["unexpected"]),
            words.rule(row["rule"]),
        )
        for row in sorted(rows, key=lambda r: (r["passed"], r["severity"], r["table_name"], r["rule"]))
    )
    headers = ("Tabel", "Hvorfor", "Resultat", "Rækker imod", "Regel")
    return Table(headers, body, caption="Kontroller", words=frozenset({0, 1, 2, 4})) if rows else None


def _rejects(rows: list[Row]) -> Table | None:
    body = tuple(
        (
            quality_words.extract(row["extract"]),
            row["column_name"],
            quality_words.REASONS.get(row["reason"], "kan ikke læses"),
            quality_words.defects(row["rows"], row["status"]),
        )
        for row in rows
    )
    headers = ("Udtræk", "Kolonne", "Årsag", "Rækker")
    return Table(headers, body, caption="Afviste rækker efter årsag", words=frozenset({0, 1, 2})) if rows else None


def _merged(rows: list[Row]) -> Table | None:
    body = tuple(
        (
            quality_words.extract(row["extract"]),
            row["file"],
            quality_words.MERGED[row["rule"]],
            quality_words.defects(row["rows"], row["status"]),
        )
        for row in rows
    )
    headers = ("Udtræk", "Fil", "Regel", "Rækker")
    caption = "Lagt sammen eller erstattet, efter regel"
    return Table(headers, body, caption=caption, words=frozenset({0, 1, 2})) if rows else None


def _judged(rows: list[Row]) -> Table | None:
    body = tuple(
        (
            quality_words.extract(row["extract"]),
            row["file"],
            row["column_name"],
            quality_words.JUDGED[row["verdict"]],
            numbers.count(row["numbers"], "suppressed"),
            numbers.percent(row["share"], "suppressed"),
        )
        for row in rows
    )
    headers = ("Udtræk", "Fil", "Kolonne", "Hvorfor den er indlæst", "Forskellige tal", "Begynder med en dato")
    caption = "Kolonner med tal, der ligner CPR-numre"
    return Table(headers, body, caption=caption, words=frozenset({0, 1, 2, 3})) if rows else None


def _breaks(rows: list[Row]) -> Table | None:
    body = tuple(
        (
            quality_words.extract(row["series"]),
            numbers.period(row["month"]),
            quality_words.KINDS[row["kind"]],
            numbers.count(row["before"], "suppressed"),
            numbers.count(row["after"], "suppressed"),
            numbers.percent(row["change"], "suppressed"),
            row["reform"] or "ingen",
        )
        for row in rows
    )
    headers = ("Serie", "Måned", "Hvad", "Pr. måned før", "Pr. måned efter", "Ændring", "Reform ved siden af")
    return Table(headers, body, caption="Huller og niveauskift", words=frozenset({0, 1, 2, 6})) if rows else None


def _exits(rows: list[Row]) -> Table | None:
    """Return exits by the weeks off a benefit that make one, and where they lead; the share of jobs beside them."""
    found = {(row["exit_weeks"], row["destination"]): row["exits"] for row in rows}
    body = []
    for weeks in sorted({row["exit_weeks"] for row in rows}):
        counts = [found[weeks, name] for name in EXITS]
        share = None if counts[0] is None or counts[1] is None else counts[1] / counts[0]
        told = (numbers.count(count, "suppressed") for count in counts)
        body.append((f"{weeks} uger", *told, numbers.percent(share, "suppressed")))
    labels = [words.OUTCOMES[name].label for name in EXITS[1:]]
    headers = ("Uger uden ydelsen", "Afgange", *labels, "Andel til job")
    caption = "Afgang fra kontanthjælp og uddannelseshjælp efter antallet af uger, der gør en afgang"
    return Table(headers, tuple(body), caption=caption) if body else None


def _reversed(rows: list[Row]) -> Table | None:
    """Return the share of sanctions that did not stand: of all, then the municipalities by share."""
    shown = [row for row in rows if numbers.is_known(row["share"])]
    total, others = (
        [row for row in shown if (row["municipality_code"] == "all") == is_total] for is_total in (True, False)
    )
    body = tuple(
        (
            "Alle" if row["municipality_code"] == "all" else quality_words.place(row["municipality_name"]),
            numbers.count(row["decisions"]),
            numbers.percent(row["share"]),
            f"{numbers.number(100 * row['low'])} til {numbers.number(100 * row['high'])} pct.",
        )
        for row in (*total, *sorted(others, key=lambda row: (-row["share"], row["municipality_name"])))
    )
    headers = ("Kommune", "Afgørelser", "Omgjort", "95 pct. interval")
    caption = "Sanktioner, der blev ophævet eller hjemvist; kommuner med få er udeladt"
    return Table(headers, body, caption=caption) if body else None


def _rank(row: Row) -> tuple[bool, float, str, str]:
    """Put what should have been known first, then the largest share."""
    return row["may_be_blank"], -row["share"], row["extract"], row["column_name"]


def _unknown(rows: list[Row]) -> Figure | None:
    seen = [row for row in rows if row["status"] != "none"]
    largest = sorted((r for r in seen if r["share"]), key=_rank)
    if not largest:
        return None
    headers = ("Udtræk", "Kolonne", "Rækker", "Ukendt", "Andel", "Må være tom")
    body = tuple(
        (
            quality_words.extract(row["extract"]),
            row["column_name"],
            numbers.count(row["rows"], "suppressed"),
            quality_words.defects(row["unknown"], row["status"]),
            "–" if row["status"] != "shown" else numbers.percent(row["share"]),
            "ja" if row["may_be_blank"] else "nej",
        )
        for row in rows
    )
    bars = [
        (f"{quality_words.extract(r['extract'])}: {r['column_name']}", r["share"], not r["may_be_blank"])
        for r in largest[:MOST_UNKNOWN]
    ]
    wrong = [r for r in largest if not r["may_be_blank"]]
    title = (
        f"Mest ukendt af det, der skulle være udfyldt: {wrong[0]['column_name']} ({numbers.percent(wrong[0]['share'])})"
        if wrong
        else "Kun kolonner, der må være tomme, er ukendte"
    )
    caption = (
        "Mørke søjler: kolonner, der skulle være udfyldt. Lyse: kolonner, der må være tomme, for eksempel slutdatoen "
        "på et forløb, der stadig løber."
    )
    table = Table(headers, body, caption="Ukendt pr. kolonne", words=frozenset({0, 1, 5}))
    return shares(bars, "ukendt", "Pct. af rækkerne", Told(title, caption, table))


def _delays(rows: list[Row]) -> Figure | None:
    order = list(quality_words.DELAYS)
    known = sorted((r for r in rows if numbers.is_known(r["share"])), key=lambda r: order.index(r["delay"]))
    if not known:
        return None
    body = tuple(
        (
            quality_words.DELAYS[row["delay"]],
            numbers.percent(row["share"]) if row["status"] == "shown" else quality_words.defects(None, row["status"]),
        )
        for row in sorted(rows, key=lambda r: order.index(r["delay"]))
    )
    late = sum(row["share"] for row in known if row["delay"] in LATE)
    title = f"{numbers.percent(late)} af samtalerne er registreret over en måned efter, de blev holdt"
    bars = [(quality_words.DELAYS[r["delay"]], r["share"], r["delay"] in LATE) for r in known if r["share"]]
    table = Table(("Fra samtale til registrering", "Andel af samtaler"), body)
    caption = "De seneste måneder mangler de samtaler, der endnu ikke er registreret."
    return shares(bars, "forsinkelse", "Pct. af samtalerne", Told(title, caption, table))
