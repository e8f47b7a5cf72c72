"""Page one: what a director reads in two minutes."""

from __future__ import annotations

from typing import Any

from reports import answer, numbers, words
from reports.charts import before_after, end_states, forest
from reports.figure import Figure, Table
from reports.pages import claim, denominator, family, in_short, sanctions
from reports.released import Released, Row

NO_START = "Evalueringen har ingen startdato, så der findes intet før og efter at sammenligne."
FEW = "Før og efter vises ikke: der er for få personer bag tallene."
UNKNOWN = "Før og efter vises ikke, fordi det ikke kan beregnes, hvad der ellers ville være sket"
NO_EXITS = "Vises ikke: der er for få personer bag hver afgang, eller den kan ikke beregnes."
COUNTED = "Målt: kommunens egen opgørelse. Optalt: borgere med en sagsbehandler dag for dag, pr. årsværk"
NO_ACTIVITY = "Om der blev givet mere aktivering, er ikke målt: rapporten måler kun sagstal, som står i tabellen."
UNRATED = ("○", "uden plan at måle mod")


def context(released: Released) -> dict[str, Any]:
    """Return what the template of page one shows."""
    refused = released.answer_kind == "refused"
    kind = answer.stance(released)
    checks = sorted(released["diagnostics"], key=_worst_first)
    shown = {
        "kind": kind,
        "kind_label": words.ANSWERS[kind],
        "sentence": answer.sentence(released),
        "relevant": "" if refused else answer.relevant(released),
        "family": "" if refused else family.sentence(released),
        "help": answer.help_needed(released) if refused else (),
        "exploratory": _exploratory(released),
        "in_short": [] if refused else in_short.in_short(released),
        "claim": claim.claim(released),
        "box": _box(released),
        "delivery": _delivery(released),
        "comparison": _comparison(released),
        "denominator": denominator.sentence(released),
        "people": _people(released),
        "followed": [],
        "beside": "",
        "lights": _lights(released),
        "checks": [_check(row) for row in checks if row["verdict"] != "green"],
        "passed": [_check(row) for row in checks if row["verdict"] == "green"],
        "counted": _counted(checks),
        "caveats": [row["text"] for row in _caveats(released)[:3]],
        "more_caveats": len(released["caveats"]) > 3,
    }
    if sanctions.is_answered(released):  # then the comparison of municipalities stands beside the answer
        beside = shown["sentence"] if released.overall() else ""
        return {**shown, **sanctions.front(released), "beside": beside}
    return shown


def _caveats(released: Released) -> list[Row]:
    return sorted(released["caveats"], key=lambda row: row["position"])


def _exploratory(released: Released) -> str:
    if not released.flag("is_exploratory"):
        return ""
    runs = released.whole("runs_on_intervention")
    counted = f"Der er {runs} kørsler af denne indsats. " if runs else ""
    return (
        f"Udforskende: {counted}Specifikationen er ændret, efter at udfald kunne ses. Tallene kan give idéer, men ikke "
        "bekræfte dem."
    )


def _box(released: Released) -> list[tuple[str, str]]:
    """Return the figures of the box; a refused run has no size and no interval."""
    estimate = released.overall() or {}
    refused = released.answer_kind == "refused"
    rows: list[tuple[str, str]] = []
    if not refused:
        unit, status = estimate.get("unit", "share"), estimate.get("status")
        size = numbers.effect(estimate.get("value"), unit, status)
        interval = numbers.interval(estimate.get("low"), estimate.get("high"), unit, status)
        if answer.is_hidden(released):
            size = interval = words.ANSWERS["hidden"]
        rows += [(answer.size_label(released), size), ("95 pct. interval", interval)]
    if persons := _persons(released):
        rows.append(("Antal personer", persons))
    rows.append(("Horisont", answer.horizon(released)))
    rows.append(("Sammenligning", compared_with(released)))
    return rows


def _persons(released: Released) -> str:
    """Return how many persons are behind the answer; nothing when it is not known."""
    treated, compared = (_people_counted(released.fact(f"persons_{arm}")) for arm in ("treated", "comparison"))
    if released.is_association or not treated:
        return treated
    return f"{treated} med indsatsen, {compared} i sammenligningen" if compared else f"{treated} med indsatsen"


def _people_counted(fact: str) -> str:
    if fact == numbers.SUPPRESSED:
        return fact
    return numbers.count(float(fact)) if fact not in ("", "0") else ""


def compared_with(released: Released) -> str:
    """Return who the treated are compared with, in words."""
    if released.is_association:
        return "samme kommune i andre måneder"
    found = released.whole("n_comparison")
    pool = words.POOLS.get(released.fact("pool"), "kommuner uden indsatsen")
    return f"{found} {pool}" if found else pool


def _delivery(released: Released) -> dict[str, Any]:
    """Return the verdict on delivery: a sentence, and a table of planned and measured caseloads."""
    rows = released["delivery"]
    if released.fact("kind") == "activation":
        return {"sentence": "", "why": NO_ACTIVITY, "shape": "", "table": delivery_table(rows) if rows else None}
    if not rows:
        reason = "Evalueringen har ikke et planlagt sagstal at måle op imod."
        return {"sentence": "", "why": reason, "shape": "", "table": None}
    why = _disagreement(rows)
    counted = {verdict: [r for r in rows if r["verdict"] == verdict] for verdict in words.DELIVERY}
    if len(rows) == 1:
        return {**_single(rows[0]), "why": why, "table": delivery_table(rows)}
    if not any(numbers.is_known(r["planned_after"]) for r in rows) and any(_measured(r) for r in rows):
        sentence = "Der er ikke leveret et planlagt sagstal. Det målte sagstal står i tabellen."
        return {"sentence": sentence, "why": why, "shape": UNRATED[0], "table": delivery_table(rows)}
    parts = [f"{words.DELIVERY[v][1]} i {len(found)}" for v, found in counted.items() if found]
    sentence = f"Det planlagte fald i sagstallet er {words.listed(parts, limit=9)} af {len(rows)} kommuner."
    shared = [verdict for verdict, found in counted.items() if len(found) == len(rows)]
    shape = words.DELIVERY[shared[0] if shared else "partly"][0]
    return {"sentence": sentence, "why": why, "shape": shape, "table": delivery_table(rows)}


def _disagreement(rows: list[Row]) -> str:
    """Return where the caseload fell by the municipality's own count, and not by the citizens its caseworkers had."""
    told = [r for r in rows if r["verdict"] in ("delivered", "partly") and r.get("counted_verdict") == "not_delivered"]
    if not told:
        return ""
    names = words.listed([row["municipality_name"] for row in told])
    return (
        f"Optalt på de borgere, sagsbehandlerne havde, faldt sagstallet under en fjerdedel af det planlagte i {names}. "
        "De to opgørelser bør afstemmes, før resultatet bruges."
    )


def _single(row: Row) -> dict[str, str]:
    shape, word = words.DELIVERY[row["verdict"]]
    planned, measured = _span(row, "planned"), _span(row, "measured")
    if not planned and measured:
        return {"shape": shape, "sentence": f"Der er ikke leveret et planlagt sagstal. Målt: {measured}."}
    if not planned:
        sentence = "Hverken planlagt eller målt sagstal er leveret, så det er ukendt, om borgerne fik indsatsen."
        return {"shape": shape, "sentence": f"{word.capitalize()}. {sentence}"}
    told = "det faktiske sagstal er ikke målt, og det er derfor ukendt, om borgerne fik indsatsen"
    if measured:
        told = f"målt: {measured}"
    return {"shape": shape, "sentence": f"{word.capitalize()}. Planlagt: {planned} sager; {told}."}


def _span(row: Row, kind: str) -> str:
    """Return a caseload before and after, `fra 70 til 38`; nothing when neither is known."""
    ends = (row[f"{kind}_before"], row[f"{kind}_after"])
    return f"fra {numbers.cases(ends[0])} til {numbers.cases(ends[1])}" if any(map(numbers.is_known, ends)) else ""


def _measured(row: Row) -> bool:
    return numbers.is_known(row["measured_before"]) and numbers.is_known(row["measured_after"])


def delivery_table(rows: list[Row]) -> Table:
    """Return planned and measured caseloads by municipality, and the counted ones where there are any."""
    is_counted = any(numbers.is_known(row.get("counted_after")) for row in rows)
    headers = ("Kommune", "Start", "Planlagt", "Målt", "Andel af det planlagte fald", "Vurdering")
    body = tuple(
        (
            row["municipality_name"],
            numbers.day(row["start_on"]),
            _arrow(row, "planned"),
            _arrow(row, "measured"),
            numbers.percent(row["delivered_share"]),
            " ".join(
                UNRATED if row["verdict"] == "not_measured" and _measured(row) else words.DELIVERY[row["verdict"]]
            ),
            *((_arrow(row, "counted"),) if is_counted else ()),
        )
        for row in rows
    )
    if is_counted:
        return Table((*headers, "Optalt"), body, COUNTED, frozenset({0, 1, 5}))
    return Table(headers, body, words=frozenset({0, 1, 5}))


def _arrow(row: Row, kind: str) -> str:
    before, after = row[f"{kind}_before"], row[f"{kind}_after"]
    return f"{numbers.cases(before)} → {numbers.cases(after)}" if numbers.is_known(after) else numbers.MISSING


def _comparison(released: Released) -> dict[str, Any]:
    """Return the before-after claim beside the counterfactual, or why it is not shown."""
    said = released.fact("claim")
    if released.answer_kind == "refused":
        why = (
            "Et før-efter-tal vises aldrig uden et svar på, hvad der ellers ville være sket, og det kan ikke beregnes."
        )
        return {"claim": said, "figure": None, "why": why, "sentence": ""}
    rows, estimate = released.primary("before_after"), released.overall()
    if not rows or estimate is None:
        return {"claim": said, "figure": None, "why": NO_START, "sentence": ""}
    row = rows[0]
    needed = (row["before"], row["after"], row["counterfactual_after"], estimate["low"], estimate["high"])
    if not all(numbers.is_known(v) for v in needed):
        return {"claim": said, "figure": None, "why": _no_levels(row, estimate), "sentence": ""}
    return {"claim": said, "figure": _before_after(row, estimate), "why": "", "sentence": _told(released, row)}


def _no_levels(row: Row, estimate: Row) -> str:
    """Return why before and after are not shown."""
    if "suppressed" in (row["status"], estimate["status"]):
        return FEW
    return f"{UNKNOWN}: {estimate['reason']}" if estimate["reason"] else f"{UNKNOWN}."


def _before_after(row: Row, estimate: Row) -> Figure:
    raw, net = _raw(row), numbers.effect(row["effect"], row["unit"])
    title = f"{words.outcome(row['outcome']).label}: {raw} i forhold til før, {net} i forhold til uden indsatsen"
    return before_after.before_after(row, estimate, title)


def _told(released: Released, row: Row) -> str:
    """Return the before-after claim in words, never without what would have happened anyway."""
    raw = _raw(row)
    without = numbers.level(row["counterfactual_after"], row["unit"])
    difference = numbers.effect(row["effect"], row["unit"])
    found = answer.stance(released)
    if found == "not_delivered":
        reading = f"Forskellen, {difference}, siger ikke, om indsatsen virker, for den blev ikke gennemført."
    elif answer.is_unexplained(released):
        reading = f"Forskellen, {difference}, er ikke tilfældig, men for stor til uden videre at tilskrive indsatsen."
    elif found in ("effect", "no_relevant_effect"):
        reading = f"Forskellen, {difference}, er det, der kan tilskrives indsatsen, med den usikkerhed stregen viser."
    else:
        reading = f"Forskellen, {difference}, kan ikke skelnes fra tilfældige udsving: stregen viser usikkerheden."
    after = ended(f"{numbers.level(row['before'], row['unit'])} til {numbers.level(row['after'], row['unit'])}")
    expected = ended(f"Uden indsatsen ville det efter beregningen være blevet {without}")
    country = released.fact("country_change")
    elsewhere = (
        f" I hele landet var ændringen {numbers.number(100 * float(country), sign=True)} pct." if country else ""
    )
    return f"Før-efter-tallet er {raw}: fra {after}{elsewhere} {expected} {reading}"


def _raw(row: Row) -> str:
    """Return the before-after number; for log outcomes the change is released as a relative one."""
    if row["unit"] == "log":
        return f"{numbers.number(100 * row['change'], sign=True)} pct."
    return numbers.effect(row["change"], row["unit"])


def ended(text: str) -> str:
    """Return a sentence with one full stop, also when it ends in an abbreviation."""
    return text if text.endswith(".") else f"{text}."


def _people(released: Released) -> dict[str, Any]:
    """Return what happened to people: end states, or the exits of an association, or why there is nothing."""
    if released.answer_kind == "refused":
        return {"figure": None, "why": "Vises ikke, når der ikke kan beregnes et svar.", "parts": None}
    if released["end_states"]:
        shown = end_states.end_states(released, _states_title(released))
        if shown is None:
            return {"figure": None, "why": "Vises ikke: der er for få personer bag hver tilstand.", "parts": None}
        treated = end_states.arms(released["end_states"]).get("treated", {})
        parts = tuple(p for p in words.PARTS if p in treated)
        return {"figure": shown, "why": "", "parts": end_states.table(released, parts) if parts else None}
    if released.is_association:
        return {"figure": (shown := _exits(released)), "why": "" if shown else NO_EXITS, "parts": None}
    why = (
        "Kilden har kun antal modtagere pr. kommune. Hvor borgerne gik hen, kan ikke ses i den: job eller noget andet."
    )
    return {"figure": None, "why": why, "parts": None}


def _states_title(released: Released) -> str:
    job, off = released.overall("job"), released.overall("benefit")
    shown = {row["state"] for row in released["end_states"] if numbers.is_known(row["share"])}
    told = job and off and numbers.is_known(job["value"]) and numbers.is_known(off["value"])
    if told and {"job", "benefit"} <= shown:
        return f"På ydelse: {numbers.effect(off['value'], 'share')}. I job: {numbers.effect(job['value'], 'share')}"
    return "Hvor borgerne var ved horisonten"


def _exits(released: Released) -> Figure | None:
    names = ("exit_job", "exit_education", "exit_other_benefit", "exit_self_support")
    found = [row for name in names if (row := released.overall(name))]
    if not found:
        return None
    lines = [forest.outcome_line(row) for row in found]
    title = "Hvor afgangen går hen, når der gives flere sanktioner"
    caption = (
        "Streg: 95 pct. interval. Rude: det udfald, evalueringen er bygget om. Forskellene viser, hvad der følges ad."
    )
    return forest.forest(lines, "afgang", found[0]["unit"], title, caption)


def _lights(released: Released) -> list[dict[str, str]]:
    credibility = released.fact("credibility", "red")
    plausibility = released.fact("plausibility", "none")
    return [
        _light("Troværdighed", credibility, words.CREDIBILITY.get(credibility, "")),
        _light("Rimelighed", plausibility, words.PLAUSIBILITY.get(plausibility, "")),
    ]


def _light(name: str, colour: str, word: str) -> dict[str, str]:
    shape, colour_word = words.LIGHTS[colour]
    return {"name": name, "colour": colour, "shape": shape, "colour_word": colour_word, "word": word}


def _worst_first(row: Row) -> tuple[int, str]:
    order = ("red", "amber", "not_run", "green")
    return (order.index(row["verdict"]) if row["verdict"] in order else len(order), row["label"] or "")


def _counted(checks: list[Row]) -> str:
    """Return how many checks were passed, with their names."""
    passed = [row["label"] for row in checks if row["verdict"] == "green"]
    if not passed:
        return ""
    return f"{len(passed)} af {len(checks)} kontroller er bestået: {' · '.join(passed)}."


def _check(row: Row) -> dict[str, str]:
    shape, word = words.LIGHTS[row["verdict"]]
    value = (
        numbers.number(row["value"], 0 if row["value"] == round(row["value"]) else 2)
        if row["value"] is not None
        else ""
    )
    return {
        "colour": row["verdict"],
        "shape": shape,
        "word": word,
        "label": row["label"],
        "value": value,
        "threshold": row["threshold"] or "",
        "why": row["why"] or "",
    }
