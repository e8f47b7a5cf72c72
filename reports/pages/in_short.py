"""The short answer about one treated municipality: what a director asks, each question with its answer."""

from __future__ import annotations

import math

from reports import answer, numbers, words
from reports.pages.municipality import methods
from reports.released import Released, Row


def in_short(released: Released) -> list[tuple[str, str]]:
    """Return what a director asks, each with its answer; nothing unless methods stand beside one another."""
    own, row = released.overall(), next(iter(released.primary("before_after")), None)
    if not released["fits"] or own is None or row is None or answer.stance(released) in ("hidden", "not_delivered"):
        return []
    if not all(numbers.is_known(row[key]) for key in ("before", "after", "counterfactual_after")):
        return []
    return [
        ("Virkede det?", _worked(released, own)),
        ("Hvor sikkert er det?", _certain(released, own)),
        ("Hvad ville være sket alligevel?", _anyway(released, own, row)),
        ("Hvad kan man sige?", _sayable(released, own)),
    ]


def _worked(released: Released, own: Row) -> str:
    if answer.is_unexplained(released):
        way = "højere" if own["value"] > 0 else "lavere"
        return f"Antallet af modtagere blev {way}, end man kunne vente. Om det er indsatsens virkning, er ikke vist."
    if answer.stance(released) == "effect":
        direction = "højere" if own["value"] > 0 else "lavere"
        more = " Det er det modsatte af hensigten." if own["value"] > 0 else ""
        return f"Antallet af modtagere blev {direction}, end det ellers ville være blevet.{more}"
    if answer.stance(released) == "no_relevant_effect":
        return "Nej, ikke så det betyder noget: en ændring af betydning kan udelukkes."
    return "Det kan ikke afgøres ud fra denne serie. Det er ikke det samme som, at det ikke virkede."


def _certain(released: Released, own: Row) -> str:
    rows = methods(released)
    clear = sum(not row["low"] <= 0 <= row["high"] for row in rows)
    values = [row["value"] for row in rows]
    low, high = (numbers.effect(end, "log") for end in (min(values), max(values)))
    counted = "ingen" if clear == 0 else "alle" if clear == len(rows) else str(clear)
    text = f"{len(rows)} metoder giver mellem {low} og {high}; {counted} af dem kan skelnes fra tilfældige udsving."
    effects = [r for r in released["placebos"] if r["outcome"] == released.outcome and numbers.is_known(r["effect"])]
    others = [r["effect"] for r in effects if not r["is_treated"]]
    if others and len(effects) == len(others) + 1:
        down = own["value"] <= 0
        same = sum(other <= own["value"] if down else other >= own["value"] for other in others)
        way = "faldt lige så meget eller mere" if down else "steg lige så meget eller mere"
        text += f" {same} af {len(others)} andre kommuner {way}, målt på samme måde."
    return f"{text}{_false_starts(released)}"


def _false_starts(released: Released) -> str:
    """Return at how many dates on which nothing happened the report's own method shows something."""
    rows = [r for r in released.primary("estimates") if r["aggregate"] == "placebo_date" and " " not in r["at_label"]]
    known = [r for r in rows if numbers.is_known(r["low"]) and numbers.is_known(r["high"])]
    if not known:
        return ""
    found = sum(not row["low"] <= 0 <= row["high"] for row in known)
    dates = words.listed([row["at_label"][:4] for row in known], limit=9)
    if len(known) == 1:
        return f" På en falsk startdato ({dates}), hvor intet skete, viser metoden {'noget' if found else 'intet'}."
    counted = {0: "ingen", len(known): "alle"}.get(found, str(found))
    return f" På {len(known)} falske startdatoer ({dates}), hvor intet skete, viser metoden noget ved {counted} af dem."


def _anyway(released: Released, own: Row, row: Row) -> str:
    before, after = (numbers.number(row[key], 0) for key in ("before", "after"))
    others = sorted(row["after"] / math.exp(each["value"]) for each in methods(released))
    spread = f"{numbers.number(others[0], 0)} til {numbers.number(others[-1], 0)}"
    own = numbers.number(100 * (row["counterfactual_after"] / row["before"] - 1), sign=True)
    country = released.fact("country_change")
    elsewhere = (
        f" I hele landet, hvor de store kommuner fylder mest, var ændringen "
        f"{numbers.number(100 * float(country), sign=True)} pct."
        if country
        else ""
    )
    return (
        f"Antallet gik fra {before} til {after}. Uden indsatsen ville det efter beregningen være blevet "
        f"{numbers.number(row['counterfactual_after'], 0)} ({own} pct., et gennemsnit hvor hver kommune tæller ens); "
        f"metoderne spænder fra {spread}.{elsewhere}"
    )


def _sayable(released: Released, own: Row) -> str:
    moved = ""
    if any(r["name"] == "revisitation" and r["verdict"] == "not_run" for r in released["diagnostics"]):
        moved = " Om borgere blev flyttet mellem målgrupper, kan serien ikke vise."
    if answer.stance(released) != "undecided" or not all(numbers.is_known(own[end]) for end in ("low", "high")):
        return f"At antallet ændrede sig usædvanligt meget; ikke hvorfor, og ikke hvor borgerne gik hen.{moved}"
    return f"{_detectable(released)}{_as_before(released, own)}{moved}".strip()


def _detectable(released: Released) -> str:
    """Return the fall that the plan said could be found; nothing where the plan had no number."""
    fall = released.fact("detectable_fall")
    if not fall:
        return "Kun store ændringer kan skelnes fra de udsving, andre kommuner har af sig selv."
    return (
        f"Et fald skal i denne serie være på omkring {numbers.number(100 * float(fall), 0)} pct. for at blive fundet i "
        "fire af fem tilfælde; det var kendt før start."
    )


def _as_before(released: Released, own: Row) -> str:
    """Return whether an effect as in earlier studies can be ruled out; nothing where none are known."""
    ends = [released.fact(key) for key in ("plausible_low", "plausible_high")]
    if not all(ends):
        return ""
    low, high = sorted(float(end) for end in ends)
    if not low < high < 0:
        return ""
    span = f"{numbers.number(-100 * high, 0)} til {numbers.number(-100 * low, 0)} pct. færre"
    inside = [math.expm1(own[end]) for end in ("low", "high")]
    if inside[0] <= low and high <= inside[1]:
        return f" En virkning som i tidligere undersøgelser ({span}) kan hverken ses eller udelukkes."
    if inside[1] < low or high < inside[0]:
        return f" En virkning som i tidligere undersøgelser ({span}) er udelukket."
    return f" En del af det, tidligere undersøgelser har fundet ({span}), er udelukket."
