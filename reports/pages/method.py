"""How the answer was reached, in plain Danish, and where the digits come from."""

from __future__ import annotations

from typing import Any

from reports import method_words, numbers, words
from reports.pages import front
from reports.released import Released


def context(released: Released) -> dict[str, Any]:
    """Return the sections on method, further caveats, refusals and provenance."""
    name, text, formula = method(released)
    refused = released.answer_kind == "refused"
    caveats = sorted(released["caveats"], key=lambda row: row["position"])
    return {
        "name": name,
        "text": text,
        "formula": formula,
        "estimand": estimand(released),
        "estimand_heading": "Hvad der skulle beregnes" if refused else "Hvad der er beregnet",
        "comparison": _comparison(released),
        "uncertainty": _uncertainty(released),
        "robustness": _robustness(released),
        "notes": released.fact("notes"),
        "definitions": words.DEFINITIONS,
        "glossary": _glossary(released),
        "caveats": [row["text"] for row in caveats[3:]],
        "refusals": _refusals(released),
        "is_public": released.fact("source") == "kommunepanel",
        "minimum": released.fact("minimum_count", "5"),
        "provenance": _provenance(released),
    }


def method(released: Released) -> tuple[str, str, str]:
    """Return name, text and formula of the method that answers; one of another package is told by its own name."""
    chosen = released.fact("estimator")
    if chosen in method_words.METHODS:
        return method_words.METHODS[chosen]
    return (words.estimator(chosen).capitalize(), words.OTHER_METHOD, "") if chosen else ("", "", "")


def _uncertainty(released: Released) -> str:
    """Return where the interval of the answer comes from, with the degrees of freedom of its t."""
    estimate = released.overall()
    if estimate is None or not estimate["method"]:
        return ""
    text = f"Usikkerhed: {method_words.INFERENCE.get(estimate['method'], estimate['method'])}"
    if floor := released.fact("p_floor") if released.whole("n_treated") == 1 else "":
        most = released.whole("most_outcomes") or 0
        text += (
            f". Testens mindst mulige p-værdi er {numbers.number(float(floor), 3)}, kendt før udfaldet blev åbnet: med "
            f"mere end {most} udfald, korrigeret for hinanden (Holm), kan intet findes"
        )
    if numbers.is_known(estimate.get("freedom")):
        freedom = numbers.number(estimate["freedom"])
        text += f" med {freedom} effektive frihedsgrader, som er færre, når få store kommuner bærer tallet"
    return f"{text}."


def _robustness(released: Released) -> str:
    """Return what was adjusted for, and how the answer was tried."""
    parts = []
    if (chosen := released.fact("adjustment", "none")) != "none":
        traits = [words.GROUPINGS.get(name, name).lower() for name in released.fact("covariates").split(", ")]
        how = words.ADJUSTMENTS.get(chosen, chosen)
        parts.append(f"Der er justeret for {words.listed(traits, limit=9)} ved indgangen ({how}).")
    if released["curve"] or released["bounds"]:
        parts.append(
            "Holdbarhed: svaret er prøvet mod skæve tendenser (Rambachan og Roth), falske startdatoer, andre valg og "
            "metoder og uden grupper af kommuner; se »Hvor holdbart er svaret?«."
        )
    if released["sanction_effects"]:
        parts.append(method_words.TIMING_OF_EVENTS)
    return " ".join(parts)


def _refusals(released: Released) -> list[tuple[str, str, str]]:
    """Return what could not be computed: the outcomes that share a reason, the reason, and what would help."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in released["refusals"]:
        names = found.setdefault((row["reason"] or "", row["what_would_help"] or ""), [])
        if row["outcome"] in words.OUTCOMES:
            names.append(words.outcome(row["outcome"]).label)
    return [(words.listed(list(dict.fromkeys(names))), *said) for said, names in found.items()]


def estimand(released: Released) -> str:
    """Return what is estimated, in words a minister could read."""
    label = words.outcome(released.outcome).label.lower()
    if released.is_association:
        return f"Hvor meget {label} ændrer sig i en kommune, når den giver {words.EXPOSURE} end ellers."
    who = released.fact("treated_municipalities")
    places = words.listed([name.strip() for name in who.split(",")]) if who else "kommunerne med indsatsen"
    if released.horizon:
        return (
            f"Den gennemsnitlige forskel i udfaldet »{label}« {released.horizon} uger efter start på ydelsen for "
            f"borgere, der begyndte på ydelsen i {places}, efter at indsatsen var gået i gang: det, der skete, mod "
            "det, der ville være sket uden. Alle, der begyndte, tæller med, også dem, der ikke fik del i indsatsen."
        )
    return (
        f"Forskellen i »{label}« i {places} mellem det, der skete efter starten, og det, der ville være sket uden "
        "indsatsen."
    )


def _comparison(released: Released) -> str:
    text = f"Sammenligning: {front.compared_with(released)}."
    if excluded := released.fact("excluded_donors"):
        text += f" Holdt ude: {excluded}."
    months = released.whole("anticipation_months")
    if months and not released.is_association:
        span = "Den sidste måned" if months == 1 else f"De sidste {months} måneder"
        text += f" {span} før start bruges ikke som »før«, fordi adfærd kan ændre sig i forvejen."
    return text


def _glossary(released: Released) -> dict[str, str]:
    """Return the terms that this report uses."""
    left_out = {"Effekt", "Delvist omfattet", "Horisont", "Sagstal"} if released.is_association else set()
    if not released["placebos"]:
        left_out = left_out | {"Placebotest"}
    if not released["curve"]:
        left_out = left_out | words.ABOUT_ROBUSTNESS - ({"Falsk start"} if released["fits"] else set())
    if not released["fits"]:
        left_out = left_out | words.ABOUT_WEIGHTS
    return {term: text for term, text in words.GLOSSARY.items() if term not in left_out}


def _provenance(released: Released) -> list[tuple[str, str]]:
    data_from = released.fact("data_from") or released.fact("panel_from")
    data_to = released.fact("data_to") or released.fact("panel_to")
    return [
        ("Kørsel", released.run_id),
        ("Kørt", numbers.day(released.fact("created_at"))),
        ("Data", f"{numbers.day(data_from)} – {numbers.day(data_to)}"),
        ("Specifikation (hash)", released.fact("spec_hash", numbers.MISSING)),
        ("Design (hash)", released.fact("design_hash", numbers.MISSING)),
        ("Udtræk (hash)", released.fact("extract_hash", numbers.MISSING)),
        ("Programkode (hash)", released.fact("code_hash", numbers.MISSING)),
        ("Tilfældighedstal (seed)", released.fact("seed", numbers.MISSING)),
    ]
