"""The answer in one sentence, and the rules for which words a design has earned.

"Effekt" only where the design supports it; "forbundet med" for associations; "kan ikke afgøres" when the interval
holds both no effect and a change that matters; a refused run names no size at all.
"""

from __future__ import annotations

from reports import numbers, words
from reports.released import Released, Row


def size_word(released: Released) -> str:
    """Return what the design has earned to call a difference."""
    return "sammenhæng" if released.is_association else "effekt"


def is_undecided(released: Released) -> bool:
    """Return whether the headline is that it cannot be decided; an association has no threshold of its own."""
    estimate = released.overall()
    if released.is_association and estimate is not None and numbers.is_known(estimate["value"]):
        return estimate["low"] <= 0 <= estimate["high"]
    return released.answer_kind == "undecided"


def size_label(released: Released) -> str:
    """Return what the box calls the size: only a found effect is called one."""
    if is_undecided(released):
        return "Bedste bud"
    return size_word(released).capitalize()


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
    estimate = released.overall()
    kind = released.answer_kind
    if kind == "refused" or estimate is None or not numbers.is_known(estimate["value"]):
        return _refused(released)
    if released.is_association:
        return _associated(estimate, is_undecided(released))
    return _undecided(released, estimate) if kind == "undecided" else _effect(released, estimate)


def _range(estimate: Row) -> str:
    if estimate["unit"] == "rate":  # its unit is long and stands beside the value
        low, high = (numbers.bare(estimate[end], "rate", sign=False) for end in ("low", "high"))
        return f"95 pct. interval fra {low} til {high}"
    return f"95 pct. interval {numbers.interval(estimate['low'], estimate['high'], estimate['unit'])}"


def _effect(released: Released, estimate: Row) -> str:
    found = f"{clause(estimate)}{_when(released)}, end uden indsatsen ({_range(estimate)})."
    if released.answer_kind == "no_relevant_effect":
        return f"Indsatsen har ikke haft en effekt af betydning: {found}"
    return f"Indsatsens effekt er, at {found}"


def _undecided(released: Released, estimate: Row) -> str:
    said = words.outcome(estimate["outcome"])
    return (
        f"Det kan ikke afgøres, om indsatsen betød, at {said.question}{_when(released)}: {_guess(estimate)} og rummer "
        "både ingen effekt og en ændring af betydning."
    )


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
    reasons = [r["reason"] for r in released["refusals"] if r["reason"]]
    reason = reasons[0].rstrip(".") if reasons else "designet kan ikke bære en beregning"
    return f"Der er ikke beregnet noget svar: {reason[0].lower()}{reason[1:]}."


def help_needed(released: Released) -> tuple[str, ...]:
    """Return what would make a refused evaluation possible, each said once."""
    return tuple(dict.fromkeys(r["what_would_help"] for r in released["refusals"] if r["what_would_help"]))


def relevant(released: Released) -> str:
    """Return the change that the spec calls relevant, or nothing."""
    estimate = released.overall()
    if estimate is None or not estimate.get("relevant_change"):
        return ""
    change = numbers.effect(abs(estimate["relevant_change"]), estimate["unit"], sign=False)
    return f"På forhånd er det fastlagt, at en ændring på {change} eller mere ville have betydning."
