"""How the rows of each table leave: one rule per table.

Register counts are suppressed and rounded; series that Statistics Denmark has published already go out as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from evaluator import disclosure
from evaluator.disclosure import Margin

Row = dict[str, Any]

SHARE_DECIMALS = 4
RATE_DECIMALS = 7  # exits per person a month are small numbers
STATE_PARTS = ("entry_benefit", "other_benefit", "supported_work")
STATES = ("job", "education", *STATE_PARTS, "self_support", "left_register")
COUNT_FACTS = ("persons_treated", "persons_comparison", "sanction_persons", "sanction_spells", "sanction_model_persons")
SIZE_BANDS = ((50, "under 50"), (200, "50-199"), (math.inf, "200 eller flere"))


@dataclass(frozen=True, slots=True)
class Policy:
    """How counts of this run leave: `minimum` from the spec; public series are neither hidden nor rounded."""

    minimum: int
    is_public: bool = False

    def hides(self, count: float | None) -> bool:
        """Say whether a count must stay; an unknown one stays too."""
        return not self.is_public and (count is None or count <= self.minimum)

    def count(self, count: float) -> int | None:
        """Return the count as it may leave, or None when it must not."""
        if self.is_public:
            return round(count)
        return None if self.hides(count) else disclosure.rounded(round(count))

    def level(self, mean: float) -> float | None:
        """Return a mean of counts as it may leave: of public counts with its decimals."""
        return mean if self.is_public else self.count(mean)


def coarse(value: float | None, count: float | None, unit: str) -> float | None:
    """Return a number as it may leave: in steps of one rounding base of persons, so that no count follows from it."""
    if value is None or math.isinf(value):  # an interval may be open at one end
        return value
    if unit == "rate":  # person-months by the thousand stand behind a rate
        return round(value, RATE_DECIMALS)
    step = disclosure.ROUNDING_BASE / count if count else 0.0
    return round(round(value / step) * step if step else value, SHARE_DECIMALS)


def _as_they_are(rows: list[Row], policy: Policy) -> list[Row]:
    return rows


def _run(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for row in rows:
        if row["key"] in COUNT_FACTS:
            count = policy.count(float(row["value"]))
            row = {**row, "value": ".." if count is None else str(count)}
        released.append(row)
    return released


def _estimates(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for row in rows:
        status = "estimated" if row["is_estimable"] else "not_estimable"
        hidden = status == "estimated" and policy.hides(row["smallest_count"])
        count = policy.count(row["n"] or 0)
        behind = None if policy.is_public else count
        numbers = {
            key: None if hidden else coarse(row[key], behind, row["unit"])
            for key in ("value", "low", "high", "se", "band_low", "band_high")
        }
        for key, decimals in (("p_value", 3), ("p_family", 3), ("freedom", 1)):
            numbers[key] = None if hidden or row[key] is None else round(row[key], decimals)
        released.append({**row, **numbers, "n": count, "status": "suppressed" if hidden else status})
    return released


def effects(*names: str) -> Callable[[list[Row], Policy], list[Row]]:
    """Return a rule that hides the named effects on small counts, and rounds them as estimates are."""

    def rule(rows: list[Row], policy: Policy) -> list[Row]:
        released = []
        for row in rows:
            status = "estimated" if row.get("is_estimable", True) else "not_estimable"
            hidden = status == "estimated" and policy.hides(row["smallest_count"])
            behind = None if policy.is_public else policy.count(row["n"] or 0)
            numbers = {name: None if hidden else coarse(row[name], behind, row["unit"]) for name in names}
            released.append({**row, **numbers, "status": "suppressed" if hidden else status})
        return released

    return rule


def _share(count: float, persons: float, policy: Policy) -> float | None:
    """Return a share as the quotient of released counts; None when count, rest or total must be hidden."""
    if policy.is_public:
        return count / persons if persons else None
    hidden = disclosure.suppressed([round(count), round(persons - count)], [], policy.minimum)
    if any(hidden):
        return None
    parts = disclosure.rounded_parts([round(count), round(persons - count)])
    return round(parts[0] / sum(parts), SHARE_DECIMALS)


def _before_after(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for _, group in groupby(rows, key=lambda r: r["horizon_weeks"]):
        members = list(group)
        states = _joint_shares({row["outcome"]: row for row in members}, policy)
        for row in members:
            before, after = states.get(row["outcome"], (None, None)) if states else (None, None)
            if row["unit"] == "log":
                before, after = (policy.level(row[name]) for name in ("before_count", "after_count"))
            elif row["outcome"] not in states:
                before = _share(row["before_count"], row["before_persons"], policy)
                after = _share(row["after_count"], row["after_persons"], policy)
            released.append({**row, **_contrast(before, after, row, policy)})
    return released


def _joint_shares(rows: dict[str, Row], policy: Policy) -> dict[str, tuple[float | None, float | None]]:
    """Return before and after of all end states, controlled together as in `end_states`; empty without them."""
    if not set(STATES) <= set(rows):
        return {}
    before, after = (
        _state_shares([round(rows[state][count]) for state in STATES], policy)[0]
        for count in ("before_count", "after_count")
    )
    return {state: (before.get(state), after.get(state)) for state in (*STATES, "benefit")}


def _contrast(before: float | None, after: float | None, row: Row, policy: Policy) -> Row:
    if not row["is_estimable"]:  # never a before-after number without its counterfactual
        return {"status": "not_estimable", "effect": None}
    if before is None or after is None:
        return {"status": "suppressed", "effect": None}
    is_log = row["unit"] == "log"
    behind = None if policy.is_public else policy.count(row["after_count"] if is_log else row["after_persons"])
    effect = coarse(row["effect"], behind, row["unit"])
    assert effect is not None
    counterfactual = after / math.exp(effect) if is_log else after - effect
    return {
        "before": before,
        "after": after,
        "change": after / before - 1 if is_log else round(after - before, SHARE_DECIMALS),
        "counterfactual_after": round(counterfactual, SHARE_DECIMALS),
        "effect": effect,
        "status": "estimated",
    }


def _means(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for row in rows:
        if row["reference"] is not None:  # a level, shown as an index of its year before the start
            count = policy.count(row["count"])
            reference = policy.count(row["reference"])
            share = None if not count or not reference else round(count / reference, SHARE_DECIMALS)
            persons = count
        else:
            share = _share(row["count"], row["persons"], policy)
            persons = policy.count(row["persons"])
        released.append(
            {**row, "persons": persons, "share": share, "status": "suppressed" if share is None else "shown"}
        )
    return released


def _end_states(rows: list[Row], policy: Policy) -> list[Row]:
    arms = {arm: {r["state"]: r for r in group} for arm, group in groupby(rows, key=lambda r: r["arm"])}
    released: list[Row] = []
    for arm, states in arms.items():
        shares, persons = _state_shares([states[s]["count"] for s in STATES], policy)
        released += [_state_row(arm, state, persons, shares.get(state)) for state in (*STATES, "benefit")]
        effects = {s: states[s]["effect"] for s in STATES if states[s]["effect"] is not None}
        if set(STATE_PARTS) <= set(effects):
            effects["benefit"] = sum(effects[s] for s in STATE_PARTS)
        for state, effect in effects.items():
            share, difference = shares.get(state), coarse(effect, persons, "share")
            without = None if share is None or difference is None else round(share - difference, SHARE_DECIMALS)
            released.append(_state_row("counterfactual", state, persons, without))
    return released


def _state_row(arm: str, state: str, persons: int | None, share: float | None) -> Row:
    status = "suppressed" if share is None else "shown"
    return {"arm": arm, "state": state, "persons": persons, "share": share, "status": status}


def _state_shares(counts: Sequence[int], policy: Policy) -> tuple[dict[str, float], int | None]:
    """Return the shares that may leave, with `benefit` the sum of its parts, and the rounded total.

    The readers' four and the parts are two margins with one total; a hidden part hides a second one.
    """
    total = sum(counts)
    parts = [i for i, state in enumerate(STATES) if state in STATE_PARTS]
    others = [i for i in range(len(STATES)) if i not in parts]
    cells = [*counts, sum(counts[i] for i in parts)]
    margins = [Margin(tuple(parts), len(STATES)), Margin((*others, len(STATES)))]
    hidden = disclosure.suppressed(cells, margins, policy.minimum)
    persons = policy.count(total)
    if persons is None:
        return {}, None
    published = disclosure.rounded_parts(counts)
    published.append(sum(published[i] for i in parts))
    shares = {
        state: round(published[i] / persons, SHARE_DECIMALS)
        for i, state in enumerate((*STATES, "benefit"))
        if not hidden[i]
    }
    return shares, persons


def _placebos(rows: list[Row], policy: Policy) -> list[Row]:
    return [
        {
            **row,
            "effect": round(row["effect"], 3 if policy.is_public else 2),
            # with both, the size behind each effect could be solved for
            "scaled": round(row["scaled"], 3) if policy.is_public and row["scaled"] is not None else None,
            "size_band": next(label for top, label in SIZE_BANDS if row["persons"] < top),
        }
        for row in rows
        if not policy.hides(row["persons"])
    ]


def _caseload_path(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for row in rows:
        cases = policy.count(row["cases"] or 0)
        hidden = cases is None or not row["fte"]
        caseload = None if hidden else round(cases / row["fte"])
        released.append({**row, "caseload": caseload, "status": "suppressed" if hidden else "shown"})
    return released


def _groups(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for _, group in groupby(rows, key=lambda r: r["grouping"]):
        members = list(group)
        counts = [m["persons"] or 0 for m in members]
        hidden = disclosure.suppressed(counts, [Margin(tuple(range(len(counts))))], policy.minimum)
        for row, count, is_small in zip(members, disclosure.rounded_parts(counts), hidden, strict=True):
            is_hidden = row["is_estimable"] and (is_small or policy.hides(row["smallest_count"]))
            status = "suppressed" if is_hidden else "estimated" if row["is_estimable"] else "not_estimable"
            numbers = {
                key: coarse(row[key], count, "share") if status == "estimated" else None
                for key in ("value", "low", "high")
            }
            released.append({**row, **numbers, "persons": None if is_small else count, "status": status})
    return released


def _participants(rows: list[Row], policy: Policy) -> list[Row]:
    """Participants and others, in the state and not, are four cells: all of them may leave, or only what is of all."""
    counted = {row["who"]: row for row in rows}
    parts = [counted[who] for who in ("participants", "others") if who in counted]
    cells = [cell for row in parts for cell in (row["count"], row["persons"] - row["count"])]
    hidden = any(policy.hides(cell) for cell in cells)
    published = cells if policy.is_public else disclosure.rounded_parts(cells)
    inside, outside = published[::2], published[1::2]
    released = []
    for at, row in enumerate(parts):
        persons = inside[at] + outside[at]
        numbers = {"persons": persons, "share": round(inside[at] / persons, SHARE_DECIMALS)} if not hidden else {}
        released.append(
            {**row, "persons": None, "share": None, **numbers, "status": "suppressed" if hidden else "shown"}
        )
    for row in (row for who, row in counted.items() if who == "all"):
        share = _share(row["count"], row["persons"], policy) if hidden else sum(inside) / sum(published)
        status = "suppressed" if share is None else "shown"
        share = None if share is None else round(share, SHARE_DECIMALS)
        released.append({**row, "persons": policy.count(row["persons"]), "share": share, "status": status})
    return released


def _counts(*names: str) -> Callable[[list[Row], Policy], list[Row]]:
    """Return a rule that rounds and hides the named counts of register rows."""
    strict = Policy(disclosure.MINIMUM_COUNT)

    def rule(rows: list[Row], policy: Policy) -> list[Row]:
        return [{**row, **{n: strict.count(row[n] or 0) for n in names}} for row in rows]

    return rule


RULES: dict[str, Callable[[list[Row], Policy], list[Row]]] = {
    "run": _run,
    "estimates": _estimates,
    "before_after": _before_after,
    "means": _means,
    "end_states": _end_states,
    "placebos": _placebos,
    "claim": _as_they_are,
    "bounds": effects("low", "high"),
    "drift": effects("slope", "bias", "bias_if_passed"),
    "curve": effects("value", "low", "high"),
    "decomposition": effects("value"),
    "delivery": _as_they_are,
    "caseload_path": _caseload_path,
    "groups": _groups,
    "diagnostics": _as_they_are,
    "quality": _counts("rows", "unexpected"),
    "deliveries": _counts("rows", "rejected"),
    "refusals": _as_they_are,
    "caveats": _as_they_are,
    "participants": _participants,
}
