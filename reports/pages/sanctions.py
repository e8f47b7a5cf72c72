"""What happens to those who are sanctioned: page one's answer, and the evidence behind it."""

from __future__ import annotations

import math
from typing import Any

from reports import numbers, sanction_words, words
from reports.charts import hazards, incidence
from reports.figure import Figure, Table
from reports.pages import meetings, sanction_designs
from reports.released import Released, Row

YEAR = 52


def is_answered(released: Released) -> bool:
    """Return whether the sanctioned were followed, and an effect on some exit may be shown."""
    return any(_headlines(released))


def front(released: Released) -> dict[str, Any]:
    """Return what page one shows in place of the comparison of municipalities."""
    return {
        "kind_label": "Hvad sker der efter en sanktion?",
        "sentence": sentence(released),
        "in_short": in_short(released),
        "box": _box(released),
        "followed": [shown for shown in (_effects(released), _incidence(released)) if shown is not None],
    }


def sentence(released: Released) -> str:
    """Return the answer: every exit with its ratio and interval, those that differ from no change first."""
    found = _headlines(released)
    ups = [row for row in found if row["low"] > 0]
    downs = [row for row in found if row["high"] < 0]
    rest = [row for row in found if row not in ups and row not in downs]
    told = [f"er afgangen til {_where(row)} {_ratio(row)} så høj som uden ({_span(row)})" for row in (*ups, *downs)]
    if rest:
        named = words.listed([f"{_where(row)} ({_ratio(row)}, {_span(row)})" for row in rest], limit=9)
        told.append(("kan afgangen til " if not told else "afgangen til ") + named + ("" if not told else " kan"))
        told[-1] += " ikke skelnes fra uændret"
    when = sanction_words.weeks(found[0])
    return f"I {when} efter en sanktion {'; '.join(told)} (95 pct. interval i parentes)."


def _ratio(row: Row) -> str:
    return sanction_words.ratio(math.exp(row["value"]))


def _span(row: Row) -> str:
    return sanction_words.span(math.exp(row["low"]), math.exp(row["high"]))


def _where(row: Row) -> str:
    return sanction_words.WHERE[row["destination"]]


def in_short(released: Released) -> list[tuple[str, str]]:
    """Return the director's questions with their answers, without those that nothing is known of."""
    asked = (
        ("Hvor mange?", _how_many(released)),
        ("Hvor går de hen?", _destinations(released)),
        ("Kommer de tilbage?", _back(released)),
        ("Samme historie", sanction_designs.in_short(released)),
        ("Fra varslet", _noticed(released)),
        ("Samtaler", meetings.in_short(released)),
        ("Omgjort", _reversed(released)),
        ("Kroner", _kroner(released)),
        ("Andre regnestykker", _otherwise(released)),
        ("Ikke målt", sanction_words.THREAT),
    )
    return [(question, text) for question, text in asked if text]


def _how_many(released: Released) -> str:
    everybody = _share(released, "sanctioned")
    if everybody is None:
        return ""
    text = f"{numbers.percent(everybody['share'])} af forløbene rummer en sanktion"
    fifths = sorted((r for r in released["sanction_shares"] if r["measure"] == "fifth"), key=lambda r: r["group_name"])
    if not fifths:
        return f"{text}."
    low, high = (f"{numbers.number(100 * row['share'], 0)} pct." for row in (fifths[0], fifths[-1]))
    return (
        f"{text}: i gennemsnit {low} i den femtedel af kommunerne, der bruger dem mindst, og {high} i den, der bruger "
        "dem mest."
    )


def _destinations(released: Released) -> str:
    rows = {(r["arm"], r["destination"]): r for r in released["sanction_incidence"] if r["weeks"] == YEAR}
    told = []
    for name in sanction_words.WHERE:
        own, other = rows.get(("sanctioned", name)), rows.get(("comparable", name))
        if own is None or not numbers.is_known(own["share"]):
            continue
        beside = f" ({numbers.number(100 * other['share'])})" if other and numbers.is_known(other["share"]) else ""
        told.append(f"{sanction_words.WHERE[name]} {numbers.number(100 * own['share'])} pct.{beside}")
    if not told:
        return ""
    return f"Inden for et år: {words.listed(told, limit=9)}. I parentes de sammenlignelige uden sanktion."


def _back(released: Released) -> str:
    rows = [
        row
        for row in released["sanction_shares"]
        if row["measure"] == "relapse" and row["weeks"] == YEAR and row["arm"] == "sanctioned"
    ]
    known = {row["group_name"]: row for row in rows if numbers.is_known(row["share"])}
    told = [
        f"{numbers.number(100 * known[name]['share'], 0)} pct. af dem, der gik til {sanction_words.WHERE[name]}"
        for name in ("self_support", "job", "education")
        if name in known
    ]
    return f"Inden for et år er {words.listed(told)} tilbage på ydelsen." if told else ""


def _reversed(released: Released) -> str:
    row = _share(released, "reversed")
    if row is None:
        return ""
    text = f"{numbers.percent(row['share'])} af afgørelserne blev ophævet eller hjemvist."
    found = {(r["subset"], r["destination"]): r for r in released["sanction_effects"] if _is_main_piece(r)}
    own, without = (found.get((subset, "self_support")) for subset in ("all", "without_reversed"))
    if own is None or without is None or not all(numbers.is_known(r["value"]) for r in (own, without)):
        return text
    ends = [numbers.number(math.exp(r["value"]), 2) for r in (own, without)]
    return f"{text} Uden dem er forholdet for selvforsørgelse {ends[1]} mod {ends[0]} med."


def _noticed(released: Released) -> str:
    """Return the headlines counted from the notice instead of the decision: work already found shows before both."""
    found = {(r["subset"], r["destination"]): r for r in released["sanction_effects"] if _is_main_piece(r)}
    told = []
    for name in ("job", "self_support"):
        own, early = (found.get((subset, name)) for subset in ("all", "from_notice"))
        if own is not None and early is not None and all(numbers.is_known(r["value"]) for r in (own, early)):
            ratios = [numbers.number(math.exp(r["value"]), 2) for r in (early, own)]
            told.append(f"{ratios[0]} for {sanction_words.WHERE[name]} (mod {ratios[1]})")
    if not told:
        return ""
    return f"Talt fra varsel eller partshøring i stedet for afgørelsen er forholdet {words.listed(told)}."


def _kroner(released: Released) -> str:
    rows = [row for row in released["sanction_amounts"] if not row["is_reversed"]]
    if not rows or not all(numbers.is_known(row["amount_dkk"]) for row in rows):
        return ""
    total, decisions = (sum(row[key] for row in rows) for key in ("amount_dkk", "decisions"))
    text = (
        f"Borgerne mistede {numbers.number(total / 1e6)} mio. kr. ved {numbers.count(decisions)} sanktioner, der stod "
        f"ved magt: {numbers.number(round(total / decisions, -2), 0)} kr. pr. sanktion i gennemsnit."
    )
    without = sum(row["without_amount"] or 0 for row in rows)
    return f"{text} For {numbers.count(without)} er beløbet regnet efter sats." if without else text


def _otherwise(released: Released) -> str:
    """Return what the model without heterogeneity, and the naive comparison, would have said of the same exits."""
    plain = {r["destination"]: r for r in released["sanction_effects"] if _is_of(r, sanction_words.PLAIN)}
    naive = {r["destination"]: r for r in released["sanction_effects"] if _is_of(r, sanction_words.NAIVE)}
    told = []
    for rows, who in ((plain, "En beregning uden uobserverede forskelle"), (naive, "En naiv sammenligning")):
        known = [rows[n] for n in ("job", "self_support") if n in rows and numbers.is_known(rows[n]["value"])]
        said = [f"{numbers.number(math.exp(r['value']), 2)} for {_where(r)}" for r in known]
        if said:
            told.append(f"{who} ville have sagt {words.listed(said)}.")
    return " ".join(told)


def _is_of(row: Row, method: str) -> bool:
    is_piece = method == sanction_words.NAIVE or row["from_weeks"] == 5
    return row["method"] == method and row["subset"] == "all" and is_piece


def _is_main_piece(row: Row) -> bool:
    return row["method"] == sanction_words.MAIN and row["from_weeks"] == 5


def _headlines(released: Released) -> list[Row]:
    order = list(sanction_words.WHERE)
    found = [row for row in released["sanction_effects"] if row["is_headline"] and numbers.is_known(row["value"])]
    return sorted(found, key=lambda row: order.index(row["destination"]))


def _share(released: Released, measure: str) -> Row | None:
    rows = [row for row in released["sanction_shares"] if row["measure"] == measure and numbers.is_known(row["share"])]
    return rows[0] if rows else None


def _box(released: Released) -> list[tuple[str, str]]:
    headline = _headlines(released)
    asked = {row["destination"]: row for row in headline}
    rows = [
        (f"Afgang til {sanction_words.WHERE[name]}", f"{_ratio(asked[name])} ({_span(asked[name])})")
        for name in ("self_support", "job")
        if name in asked
    ]
    counted = [released.fact(f"sanction_{what}") for what in ("spells", "persons")]
    if all(counted):
        shown = [text if text == numbers.SUPPRESSED else numbers.count(float(text)) for text in counted]
        wanted, known = released.fact("sanction_persons_asked"), released.fact("sanction_persons")
        is_drawn = wanted and known != numbers.SUPPRESSED and float(known) >= float(wanted)
        who = "tilfældigt udtrukne borgere" if is_drawn else "borgere, alle i registret"
        rows.append(("Stikprøve" if is_drawn else "Grundlag", f"{shown[0]} forløb hos {shown[1]} {who}"))
    rows.append(("Læses fra", f"{sanction_words.weeks(headline[0])} efter den første sanktion i forløbet"))
    rows.append(("Sammenligning", "borgere, der ikke er sanktioneret endnu"))
    return rows


def _effects(released: Released) -> Figure | None:
    rows = [r for r in released["sanction_effects"] if r["subset"] == "all" and r["method"] != sanction_words.NAIVE]
    points = released.whole("mass_points")
    notes = [sanction_words.THREAT]
    if points:
        notes.insert(0, f"Modellen skelner mellem {points} typer af borgere, som data ikke ellers viser.")
    return hazards.hazards(_ordered(rows), _title(released), tuple(notes))


def _title(released: Released) -> str:
    moved = [row for row in _headlines(released) if not row["low"] <= 0 <= row["high"]]
    if not moved:
        return "Ingen afgang kan skelnes fra uændret fra uge 5 efter en sanktion"
    named = words.listed([sanction_words.WHERE[row["destination"]] for row in moved])
    return f"Fra uge 5 efter en sanktion ændres afgangen til {named}"


def _incidence(released: Released) -> Figure | None:
    return incidence.incidence(released["sanction_incidence"], "Hvor de går hen i året efter en sanktion")


def sections(released: Released) -> list[dict[str, Any]]:
    """Return the evidence behind page one; nothing where the sanctioned were not followed."""
    effects = _ordered(released["sanction_effects"])
    if not effects and not released["sanction_shares"]:
        return []
    return [
        _section(
            "sanktionerede",
            "Alle virkninger af en sanktion",
            [("Efter uger, type, målgruppe og beregning", hazards.table(effects))] if effects else [],
            sanction_words.NAIVE_WHY,
        ),
        _section("designs", "Andre måder at spørge på", sanction_designs.tables(released), ""),
        *meetings.sections(released),
        _section(
            "omfang",
            "Hvor mange, hvor ujævnt, og hvad det kostede",
            [
                *_shares(released, "municipality", "Andel af forløb med en sanktion, kommune for kommune", "Kommune"),
                *_shares(released, "type", "Afgørelser efter type", "Type"),
                *_relapses(released),
                *_amounts(released),
            ],
            "",
        ),
    ]


def _section(key: str, heading: str, tables: list[tuple[str, Table]], why: str) -> dict[str, Any]:
    return {"key": key, "heading": heading, "figures": [], "why": why, "tables": tables}


def _ordered(rows: list[Row]) -> list[Row]:
    methods, exits = list(sanction_words.METHODS), list(sanction_words.WHERE)

    def place(row: Row) -> tuple[Any, ...]:
        method = methods.index(row["method"]) if row["method"] in methods else len(methods)
        subset = row["subset"] != "all"
        return (
            exits.index(row["destination"]),
            subset,
            row["subset"],
            row["group_name"] or "",
            method,
            row["from_weeks"],
        )

    return sorted(rows, key=place)


def _shares(released: Released, measure: str, summary: str, head: str) -> list[tuple[str, Table]]:
    rows = [row for row in released["sanction_shares"] if row["measure"] == measure]
    body = tuple(
        (
            sanction_words.TYPES.get(row["group_name"], row["group_name"]),
            numbers.percent(row["share"], row["status"]),
            numbers.count(row["persons"], row["status"]),
        )
        for row in sorted(rows, key=lambda row: -(row["share"] or 0))
    )
    return [(summary, Table((head, "Andel", "Af"), body))] if body else []


def _relapses(released: Released) -> list[tuple[str, Table]]:
    rows = [row for row in released["sanction_shares"] if row["measure"] == "relapse"]
    arms = {"sanctioned": "med sanktion", "never_sanctioned": "uden sanktion"}
    body = tuple(
        (
            sanction_words.LABELS[row["group_name"]],
            arms[row["arm"]],
            f"{row['weeks']} uger",
            numbers.percent(row["share"], row["status"]),
            numbers.interval(row["low"], row["high"], "share", row["status"]).replace("pct.point", "pct."),
            numbers.count(row["persons"], row["status"]),
        )
        for row in sorted(rows, key=lambda r: (list(sanction_words.WHERE).index(r["group_name"]), r["weeks"], r["arm"]))
    )
    headers = ("Gik til", "Forløb", "Tilbage inden for", "Andel", "95 pct. interval", "Afgange")
    return [("Tilbage på ydelsen", Table(headers, body, words=frozenset({0, 1, 2})))] if body else []


def _amounts(released: Released) -> list[tuple[str, Table]]:
    body = tuple(
        (
            sanction_words.TYPES.get(row["sanction_type"], row["sanction_type"]),
            "ophævet eller hjemvist" if row["is_reversed"] else "står ved magt",
            numbers.count(row["decisions"], row["status"]),
            numbers.count(row["persons"], row["status"]),
            numbers.count(row["amount_dkk"], row["status"]),
        )
        for row in released["sanction_amounts"]
    )
    headers = ("Type", "Afgørelsen", "Antal", "Personer", "Kr.")
    return [("Kroner efter type", Table(headers, body, words=frozenset({0, 1})))] if body else []
