"""How well the answer holds: under unequal trends, other choices, other methods, and where no effect can be."""

from __future__ import annotations

from typing import Any

from reports import numbers, words
from reports.charts import bounds, choices, forest
from reports.figure import Figure
from reports.released import Released, Row

OWN = "Rapportens svar"
ONE = "Én kommune har indsatsen. Placebotesten viser, hvor store forskelle der opstår tilfældigt."
NONE = "Holdbarheden er ikke regnet for dette udfald; placebotesten viser, hvor store forskelle der opstår tilfældigt."
NO_START = "Sanktioner har ingen startdato, så skæve tendenser, falske startdatoer og andre valg kan ikke prøves."
LEFT_OUT = {"without_neighbours": "Uden nabokommuner", "without_projects": "Uden kommuner med egne projekter"}
FORBIDDEN = "later_earlier"


def figures(released: Released) -> list[Figure | None]:
    """Return the figures on how well the answer holds, those that could be made."""
    return [
        _bounds(released),
        _choices(released),
        _others(released),
        _false_starts(released),
        _placebo_outcomes(released),
        _exhibit(released),
    ]


def why_none(released: Released) -> str:
    """Return why there is no figure."""
    if released.is_association:
        return NO_START
    if released["curve"] and all(row["status"] == "suppressed" for row in released["curve"]):
        return "Tallene er diskretioneret: der er for få personer bag dem til at vise dem."
    return ONE if released.whole("n_treated") == 1 else NONE


def _rows(released: Released, aggregate: str) -> list[Row]:
    found = [row for row in released["estimates"] if row["aggregate"] == aggregate]
    return sorted(found, key=lambda row: (row["at"] or 0, row["at_label"] or ""))


def _bounds(released: Released) -> Figure | None:
    rows = sorted(released.primary("bounds"), key=lambda row: row["bound"])
    check = next((row for row in released["diagnostics"] if row["name"] == "breakdown"), None)
    broken = check["value"] if check else None
    return bounds.bounds(rows, _bounds_title(released, broken), _drifts(released))


def _bounds_title(released: Released, broken: float | None) -> str:
    """Return the finding: how unequal the trends may have been."""
    if not broken:
        return "Intervallet rummer nul, allerede hvis udviklingen var helt parallel"
    searched = released.fact("bounds_searched")
    times = numbers.number(broken)
    if searched and broken >= float(searched):
        return f"Svaret holder, selv om udviklingen var {times} gange så skæv efter start som før"
    return f"Svaret holder, så længe skævheden efter start er under {times} gange den største før start"


def _drifts(released: Released) -> tuple[str, ...]:
    """Return what the test before the start could have seen."""
    if reason := released.fact("drift_refused"):
        return (f"Styrken af testen før start kan ikke beregnes: {reason}",)
    _, single = words.PERIODS.get(released.fact("period", "month"), words.PERIODS["month"])
    notes = []
    for row in sorted(released.primary("drift"), key=lambda row: row["power"]):
        if not numbers.is_known(row["slope"]):
            continue
        slope, bias = (numbers.effect(row[name], row["unit"], sign=False) for name in ("slope", "bias"))
        passed = numbers.effect(row["bias_if_passed"], row["unit"], sign=False)
        chance = f"{numbers.number(100 * row['power'], 0)} pct. sandsynlighed"
        notes.append(
            f"En skæv tendens på {slope} pr. {single} ville testen før start finde med {chance}. "
            f"Den ville flytte svaret {bias}; {passed}, når testen ikke finder den."
        )
    return tuple(notes)


def _choices(released: Released) -> Figure | None:
    rows = released.primary("curve")
    found = choices.spread(rows)
    if found["has_sign"]:
        same = f"{found['same']} af {found['known']} sæt valg peger samme vej som svaret"
        title = f"{same}; {found['clear']} har et interval uden nul"
    else:
        title = f"{found['clear']} af {found['known']} sæt valg har et interval uden nul"
    return choices.choices(rows, title, released.fact("period", "month"), _joint(released))


def _joint(released: Released) -> tuple[str, ...]:
    p_value, drawn = released.fact("curve_p"), released.fact("curve_assignments")
    if not p_value:
        refused = released.fact("curve_refused")
        return (f"Fælles test: {refused}",) if refused else ()
    tested, made = (released.fact(key) for key in ("curve_joint_choices", "curve_choices"))
    which = "alle valg" if not tested or tested == made else f"{tested} af {made} sæt valg"
    return (
        f"Fælles test: medianen af {which} mod {drawn} tilfældige fordelinger af indsatsen på andre kommuner; "
        f"p = {numbers.number(float(p_value), 3)}.",
    )


def _others(released: Released) -> Figure | None:
    """Return the answer beside other methods, and without start groups and the weightiest municipality."""
    own = released.overall()
    if own is None:
        return None
    lines = [_line("", OWN, own, is_main=True)]
    lines += [_line("Metode", words.estimator(row["at_label"]), row) for row in _rows(released, "estimator")]
    lines += [
        _line("Uden start", numbers.period(f"{row['at_label']}-01"), row) for row in _rows(released, "without_start")
    ]
    lines += [_line("Uden", row["at_label"], row) for row in _rows(released, "without_municipality")]
    lines += [_line("", label, row) for kind, label in LEFT_OUT.items() for row in _rows(released, kind)]
    if len(lines) < 2:
        return None
    known = [line.value for line in lines if line.value is not None]
    title = "Svaret med andre metoder og uden enkelte kommuner"
    if known:
        low, high = (numbers.effect(end, own["unit"]) for end in (min(known), max(known)))
        title = f"Andre metoder og færre kommuner giver mellem {low} og {high}"
    caption = (
        "Streg: 95 pct. interval. Rude: rapportens svar. »Uden start« udelader de kommuner, der begyndte den måned; "
        "»Uden« udelader den kommune, der flytter svaret mest."
    )
    return forest.forest(lines, "andre-metoder", own["unit"], title, caption, ("beregning", "beregninger"))


def _false_starts(released: Released) -> Figure | None:
    rows = _rows(released, "placebo_date")
    lines = [_at(row, released.fact("period", "month")) for row in rows]
    known = [line for line in lines if numbers.is_known(line.low) and numbers.is_known(line.high)]
    clear = sum(not (line.low or 0) <= 0 <= (line.high or 0) for line in known)
    title = f"{clear} af {len(known)} falske startdatoer giver en forskel, hvor ingen kan være"
    caption = (
        "Streg: 95 pct. interval. Beregnet på borgere, der begyndte, før nogen kunne være omfattet. Skal ligge omkring "
        "nul."
    )
    if released["paths"]:
        caption = (
            "Streg: 95 pct. interval. Samme beregning et til flere år før starten, hvor indsatsen ikke fandtes. Skal "
            "ligge omkring nul. Reformer, der faldt i vinduet, står i tabellen."
        )
    unit = rows[0]["unit"] if rows else "share"
    return forest.forest(lines, "falske-startdatoer", unit, title, caption, ("dato", "datoer"))


def _at(row: Row, period: str) -> forest.Line:
    """Return the line of a false start; one of another method than the report's is named by it."""
    month, _, method = row["at_label"].partition(" ")
    section = (
        words.estimator(method).capitalize() if method else "Rapportens svar" if period == "quarter" else "Falsk start"
    )
    return _line(section, numbers.period(f"{month}-01", period), row)


def _placebo_outcomes(released: Released) -> Figure | None:
    rows = _rows(released, "placebo_outcome")
    if not rows:
        return None
    row = rows[0]
    lines = [_line("", words.outcome(row["outcome"]).label, row) for row in rows]
    shown = numbers.effect(row["value"], row["unit"], row["status"])
    title = f"{words.outcome(row['outcome']).label}, som indsatsen ikke kan flytte: {shown}"
    caption = "Streg: 95 pct. interval. Hele kommunens tal fra Danmarks Statistik, kvartal for kvartal."
    return forest.forest(lines, "placebo-udfald", row["unit"], title, caption)


def _exhibit(released: Released) -> Figure | None:
    """Return the exhibit beside the answer, with what it is made of; never as an answer."""
    own, rows = released.overall(), _rows(released, "exhibit")
    if own is None or not rows:
        return None
    lines = [_line("", OWN, own, is_main=True)]
    lines += [_line("", f"{words.estimator(row['at_label']).capitalize()} (advarsel)", row) for row in rows]
    parts = sorted(released.primary("decomposition"), key=lambda part: -(part["weight"] or 0))
    wrong = sum(part["weight"] or 0 for part in parts if part["kind"] == FORBIDDEN)
    title = "Advarsel: den gængse regression er ikke et svar"
    if wrong:
        title = (
            f"Advarsel: {numbers.number(100 * wrong, 0)} pct. af den gængse regression er vildledende sammenligninger"
        )
    caption = (
        "Streg: 95 pct. interval. Regressionen med faste forskelle for kommuner og måneder sammenligner også med "
        "kommuner, der allerede har indsatsen. Når effekten vokser, trækker det tallet skævt. Det vises, fordi det er "
        "udbredt, og bruges ikke."
    )
    return forest.forest(lines, "advarsel", own["unit"], title, caption, notes=_parts(released, parts))


def _parts(released: Released, parts: list[Row]) -> tuple[str, ...]:
    told = [
        f"{words.COMPARISONS.get(part['kind'], part['kind'])}: vægt {numbers.number(100 * part['weight'], 0)} pct., "
        f"forskel {numbers.effect(part['value'], part['unit'], part['status'])}"
        for part in parts
    ]
    if parts:
        counted = released.fact("decomposition_municipalities")
        told.append(f"Vægtene er regnet for de {counted} kommuner, der har tilgang i hele perioden.")
    return tuple(told)


def _line(section: str, name: str, row: Row, is_main: bool = False) -> forest.Line:
    values: dict[str, Any] = {key: row[key] for key in ("value", "low", "high", "status")}
    return forest.Line(section, name, persons=row["n"], reason=row["reason"] or "", is_main=is_main, **values)
