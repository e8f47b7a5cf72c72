"""What somebody said the intervention did: as arithmetic, without the intervention, and beside earlier studies."""

from __future__ import annotations

import math
from typing import Any

from reports import numbers, words
from reports.released import Released, Row

NONE = {"colour": "none", "shape": words.LIGHTS["none"][0]}


def claim(released: Released) -> dict[str, Any] | None:
    """Return the claim as arithmetic, held up to what would have happened anyway and to earlier studies."""
    row = next(iter(released["claim"]), None)
    if row is None:
        return None
    lines = [{**NONE, "label": "Regnestykket:", "text": _arithmetic(row)}]
    if confronted := _confronted(released, row):
        lines.append({**NONE, "label": "Uden indsatsen:", "text": confronted})
    lines.append(_plausible(row))
    source = f"Kilde til påstanden: {row['source']}." if row["source"] else ""
    return {"lines": lines, "source": " ".join(part for part in (source, row["note"] or "") if part)}


def _arithmetic(row: Row) -> str:
    people = "" if row["persons"] is None else numbers.number(abs(row["persons"]), 0)
    before, after = ("" if row[key] is None else f"{row[key]:g}".replace(".", ",") for key in ("before", "after"))
    if row["kind"] == "count":
        way = "færre" if row["persons"] < 0 else "flere"
        text = f"{before} til {after} er {people} {way} ({numbers.number(100 * row['change'], 0, sign=True)} pct.)."
    elif row["kind"] == "share":
        text = f"{before} pct. til {after} pct. er {numbers.number(100 * row['change'], 0, sign=True)} pct.point."
    else:
        sum_of = f"{row['parts']} er {people}" if "+" in row["parts"] else people
        text = f"{sum_of} {'flere' if row['kind'] == 'more' else 'færre'}."
    if row["dkk_per_person"] is None:
        return text
    kroner, each = numbers.number(row["amount_dkk"] / 1e6), numbers.number(row["dkk_per_person"], 0)
    spent = "brugt" if row["amount"] == "spent" else "sparet"
    return f"{text} {kroner} mio. kr. {spent} er {each} kr. pr. person."


def _confronted(released: Released, row: Row) -> str:
    found, own = next(iter(released.primary("before_after")), None), released.overall()
    needed = () if found is None else (found["before"], found["after"], found["counterfactual_after"])
    if found is None or own is None or not needed or not all(numbers.is_known(value) for value in needed):
        return ""
    change = found["counterfactual_after"] / found["before"] - 1
    drift = numbers.number(100 * change, sign=True)
    if row["kind"] == "count":
        expected = row["before"] * (1 + change)
        left = numbers.number(abs(row["after"] - expected), 0)
        way = "færre" if row["after"] < expected else "flere"
        return (
            f"I serien ville antallet have ændret sig {drift} pct. af sig selv. Gik påstandens {row['before']:g} "
            f"borgere samme vej, ville der være {numbers.number(expected, 0)}, og indsatsens andel er {left} {way}, "
            "med samme store usikkerhed som svaret."
        )
    persons = found["after"] - found["counterfactual_after"]
    ends = [
        found["after"] - found["after"] / math.exp(own[end]) for end in ("low", "high") if numbers.is_known(own[end])
    ]
    span = (
        f" (fra {numbers.number(ends[0], 0, sign=True)} til {numbers.number(ends[1], 0, sign=True)})"
        if len(ends) == 2
        else ""
    )
    return (
        "Påstanden siger ikke, hvor mange der ellers ville være kommet i job eller ud af ydelsen. I serien er bedste "
        f"bud en forskel på {numbers.number(persons, 0, sign=True)} modtagere i gennemsnit det første år{span}."
    )


def _plausible(row: Row) -> dict[str, str]:
    """Return the claim beside what earlier studies found: the second light, for the claim."""
    if row["verdict"] is None:
        text = "Kan ikke vurderes: påstanden siger ikke, hvor mange borgere den er ud af."
        return {**NONE, "label": "Tidligere undersøgelser:", "text": text}
    unit = "pct." if row["kind"] == "count" else "pct.point"
    green, amber = (
        f"fra {numbers.number(100 * row[f'{band}_low'], 0)} til {numbers.number(100 * row[f'{band}_high'], 0)} {unit}"
        for band in ("green", "amber")
    )
    said = words.PLAUSIBILITY[row["verdict"]].lower()
    text = f"Påstanden ligger {said}: typisk {green}, yderst {amber.removesuffix(chr(46))}."
    edge = row["amber_high"] if row["change"] > 0 else row["amber_low"]
    if row["verdict"] == "red" and edge and abs(row["change"] / edge) >= 1.5:
        text += f" Den er {numbers.number(abs(row['change'] / edge), 0)} gange så stor som yderkanten."
    return {
        "colour": row["verdict"],
        "shape": words.LIGHTS[row["verdict"]][0],
        "label": "Tidligere undersøgelser:",
        "text": text,
    }
