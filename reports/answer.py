"""The answer in one sentence, and the rules for which words a design has earned.

"Effekt" only where the design supports it; "forbundet med" for associations; "kan ikke afgøres" when the interval
holds both no effect and a change that matters; a refused run names no size at all. Of an intervention that was not
delivered nothing is said about whether it works.
"""

from __future__ import annotations

from reports import numbers, words
from reports.released import Released, Row

UNDELIVERED = "Indsatsen blev ikke gennemført som planlagt"
HIDDEN = "Svaret vises ikke: tallet hviler på for få personer til at blive vist."


def size_word(released: Released) -> str:
    """Return what the design has earned to call a difference."""
    return "sammenhæng" if released.is_association else "effekt"


def is_undecided(released: Released) -> bool:
    """Return whether the headline is that it cannot be decided; an association has no threshold of its own."""
    estimate = released.overall()
    if released.is_association and estimate is not None and numbers.is_known(estimate["value"]):
        return _holds(estimate, 0)
    return released.answer_kind == "undecided"


def is_undelivered(released: Released) -> bool:
    """Return whether the planned fall came about nowhere."""
    rows = released["delivery"]
    return bool(rows) and all(row["verdict"] == "not_delivered" for row in rows)


def is_hidden(released: Released) -> bool:
    """Return whether the primary estimate is suppressed."""
    estimate = released.overall()
    return estimate is not None and estimate["status"] == "suppressed"


def is_unexplained(released: Released) -> bool:
    """Return whether a difference is beyond chance and also beyond everything that earlier studies found."""
    return released.answer_kind == "effect" and released.fact("plausibility") == "red"


def stance(released: Released) -> str:
    """Return what the run can answer: its kind, unless delivery or too few persons stand in the way."""
    if released.answer_kind == "refused":
        return "refused"
    if is_undelivered(released):
        return "not_delivered"
    if is_hidden(released):
        return "hidden"
    return "undecided" if is_undecided(released) else released.answer_kind


def size_label(released: Released) -> str:
    """Return what the box calls the size: only a found effect is called one."""
    found = stance(released)
    if found in ("not_delivered", "hidden"):
        return "Forskel"
    if is_unexplained(released):
        return "Forskel"
    return "Bedste bud" if found == "undecided" else size_word(released).capitalize()


def clause(estimate: Row) -> str:
    """Return a difference as a clause: `3,1 pct.point flere var i job`."""
    said = words.outcome(estimate["outcome"])
    pattern = said.more if estimate["value"] >= 0 else said.less
    shown = numbers.effect(estimate["value"], estimate["unit"], sign=False).lstrip(numbers.MINUS)
    return pattern.format(shown)


def horizon(released: Released) -> str:
    """Return when the outcome is measured."""
    if released.is_association:
        return "samme måned"
    weeks = released.horizon
    return f"{weeks} uger efter start på ydelsen" if weeks else "året efter indsatsens start mod året før"


def _when(released: Released) -> str:
    weeks = released.horizon
    return f" {weeks} uger efter, at de begyndte på ydelsen" if weeks else ""


def sentence(released: Released) -> str:
    """Return the answer in one sentence with size and range, by the wording rules."""
    estimate, found = released.overall(), stance(released)
    if found != "refused" and is_hidden(released):
        return UNDELIVERED + ", og tallet hviler på for få personer til at blive vist." if found != "hidden" else HIDDEN
    if found == "refused" or estimate is None or not numbers.is_known(estimate["value"]):
        return _refused(released)
    if found == "not_delivered":
        return _undelivered(released, estimate)
    if released.is_association:
        return _associated(estimate, is_undecided(released))
    return _undecided(released, estimate) if found == "undecided" else _effect(released, estimate)


def _undelivered(released: Released, estimate: Row) -> str:
    return (
        f"{UNDELIVERED}, så tallet siger ikke, om den virker: {clause(estimate)}{_when(released)}, end man kunne vente "
        f"ud fra sammenligningen ({_range(estimate)})."
    )


def _range(estimate: Row) -> str:
    if estimate["unit"] == "rate":  # its unit is long and stands beside the value
        low, high = (numbers.bare(estimate[end], "rate", sign=False) for end in ("low", "high"))
        return f"95 pct. interval fra {low} til {high}"
    return f"95 pct. interval {numbers.interval(estimate['low'], estimate['high'], estimate['unit'])}"


def _effect(released: Released, estimate: Row) -> str:
    found = f"{clause(estimate)}{_when(released)}, end uden indsatsen ({_range(estimate)})."
    if released.answer_kind == "no_relevant_effect":
        return f"Indsatsen har ikke haft en effekt af betydning: {found}"
    if is_unexplained(released):
        return (
            f"{clause(estimate).capitalize()}{_when(released)}, end sammenligningen lader vente ({_range(estimate)}). "
            "Så stor en ændring er ikke set i tidligere undersøgelser og kan have andre årsager end indsatsen."
        )
    return f"Indsatsens effekt er, at {found}"


def _undecided(released: Released, estimate: Row) -> str:
    said, change = words.outcome(estimate["outcome"]), estimate.get("relevant_change")
    held = " og rummer ingen effekt" if _holds(estimate, 0) else ""
    if held and change and any(_holds(estimate, end) for end in (abs(change), -abs(change))):
        held = " og rummer både ingen effekt og en ændring af betydning"
    return f"Det kan ikke afgøres, om indsatsen betød, at {said.question}{_when(released)}: {_guess(estimate)}{held}."


def _holds(estimate: Row, value: float) -> bool:
    """Return whether the interval, as it is printed, holds `value`; an absent end is open."""
    unit, low, high = estimate["unit"], estimate["low"], estimate["high"]
    shown = numbers.as_printed(value, unit)
    above = not numbers.is_known(low) or numbers.as_printed(low, unit) <= shown
    return above and (not numbers.is_known(high) or shown <= numbers.as_printed(high, unit))


def _guess(estimate: Row) -> str:
    value, span = numbers.effect(estimate["value"], estimate["unit"]), (estimate["low"], estimate["high"])
    return f"det bedste bud er {value}, men intervallet går {numbers.interval(*span, estimate['unit'])}"


def _associated(estimate: Row, undecided: bool) -> str:
    if undecided:
        question = words.outcome(estimate["outcome"]).question
        return f"Det kan ikke afgøres, om {words.EXPOSURE} er forbundet med {question}: {_guess(estimate)}."
    exposure = words.EXPOSURE[0].upper() + words.EXPOSURE[1:]
    return f"{exposure} er forbundet med, at {clause(estimate)} ({_range(estimate)})."


def _refused(released: Released) -> str:
    reasons = [r["reason"] for r in _primary_first(released) if r["reason"]]
    reason = reasons[0].rstrip(".") if reasons else "designet kan ikke bære en beregning"
    opening = f"{UNDELIVERED}, og der" if is_undelivered(released) else "Der"
    return f"{opening} er ikke beregnet noget svar: {reason[0].lower()}{reason[1:]}."


def _primary_first(released: Released) -> list[Row]:
    """Return the refusals as they are ordered, those of the primary outcome first."""
    return sorted(released["refusals"], key=lambda row: row["outcome"] != released.outcome)


def help_needed(released: Released) -> tuple[str, ...]:
    """Return what would make a refused evaluation possible, each said once."""
    return tuple(dict.fromkeys(r["what_would_help"] for r in _primary_first(released) if r["what_would_help"]))


def relevant(released: Released) -> str:
    """Return the change that the spec calls relevant, or nothing."""
    estimate = released.overall()
    if estimate is None or not estimate.get("relevant_change"):
        return ""
    change = numbers.effect(abs(estimate["relevant_change"]), estimate["unit"], sign=False)
    return f"På forhånd er det fastlagt, at en ændring på {change} eller mere ville have betydning."
