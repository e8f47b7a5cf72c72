"""How the answer was reached, in plain Danish, and where the digits come from."""

from __future__ import annotations

from typing import Any

from reports import answer, numbers, words
from reports.pages import front
from reports.released import Released


def context(released: Released) -> dict[str, Any]:
    """Return the sections on method, further caveats, refusals and provenance."""
    name, text, formula = words.METHODS.get(
        released.fact("estimator"), (released.fact("estimator", "ukendt metode"), "", "")
    )
    caveats = sorted(released["caveats"], key=lambda row: row["position"])
    return {
        "name": name,
        "text": text,
        "formula": formula,
        "estimand": estimand(released),
        "comparison": _comparison(released),
        "notes": released.fact("notes"),
        "definitions": words.DEFINITIONS,
        "glossary": _glossary(released),
        "caveats": [row["text"] for row in caveats[3:]],
        "refusals": [
            (words.outcome(row["outcome"] or "").label, row["reason"], row["what_would_help"])
            for row in released["refusals"]
        ],
        "provenance": _provenance(released),
    }


def estimand(released: Released) -> str:
    """Return what is estimated, in words a minister could read."""
    label = words.outcome(released.outcome).label.lower()
    if released.is_association:
        exposure = released.fact("exposure_label", "én sanktion mere pr. 100 modtagere")
        return f"Hvor meget {label} ændrer sig i en kommune, når den giver {exposure} end ellers."
    who = released.fact("treated_municipalities")
    places = words.listed([name.strip() for name in who.split(",")]) if who else "kommunerne med indsatsen"
    if released.horizon:
        return (
            f"Den gennemsnitlige forskel i udfaldet »{label}« {released.horizon} uger efter start på ydelsen for "
            f"borgere, der begyndte på ydelsen i {places}, efter at indsatsen var gået i gang: det, der skete, mod det, "
            "der ville være sket uden. Alle, der begyndte, tæller med, også dem, der ikke fik del i indsatsen."
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
        text += f" De sidste {months} måneder før start bruges ikke som »før«, fordi adfærd kan ændre sig i forvejen."
    return text


def _glossary(released: Released) -> dict[str, str]:
    """Return the terms that this report uses."""
    left_out = {"Effekt", "Delvist omfattet", "Horisont", "Sagstal"} if released.is_association else set()
    if not released["placebos"]:
        left_out = left_out | {"Placebotest"}
    return {term: text for term, text in words.GLOSSARY.items() if term not in left_out}


def _provenance(released: Released) -> list[tuple[str, str]]:
    return [
        ("Kørsel", released.run_id),
        ("Kørt", numbers.day(released.fact("created_at"))),
        ("Data", f"{numbers.day(released.fact('data_from'))} – {numbers.day(released.fact('data_to'))}"),
        ("Specifikation (hash)", released.fact("spec_hash", numbers.MISSING)),
        ("Udtræk (hash)", released.fact("extract_hash", numbers.MISSING)),
        ("Programkode (hash)", released.fact("code_hash", numbers.MISSING)),
        ("Tilfældighedstal (seed)", released.fact("seed", numbers.MISSING)),
        ("Svarets form", words.ANSWERS.get(released.answer_kind, "") + f" ({answer.size_word(released)})"),
    ]
