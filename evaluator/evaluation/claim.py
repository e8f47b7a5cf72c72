"""What somebody said the intervention did, as arithmetic: checked for its own sake, never as a finding."""

from __future__ import annotations

from typing import Any

from evaluator.diagnostics import credibility
from evaluator.results import Findings
from evaluator.spec import Claim, EvaluationSpec

OUTCOME_OF = {"count": "recipients", "share": "job"}
"""The outcome whose band of earlier studies a claim is held up to; persons without a base have none."""


def reproduce(spec: EvaluationSpec, findings: Findings) -> None:
    """Add the claim of a spec with its change, its persons and its kroner per person; nothing without one."""
    if (claim := spec.claim) is None:
        return
    persons, change = _persons(claim), _change(claim)
    row: dict[str, Any] = {"text": claim.text, "kind": claim.kind, "before": claim.before, "after": claim.after}
    row |= {"parts": " + ".join(map(str, claim.persons)), "persons": persons, "change": change}
    row |= {"amount_dkk": claim.amount_dkk, "amount": claim.amount, "source": claim.source, "note": claim.note}
    if claim.amount_dkk is not None and persons:
        row["dkk_per_person"] = claim.amount_dkk / abs(persons)
    outcome = OUTCOME_OF.get(claim.kind, "")
    band = credibility.band_of(spec.intervention.kind, outcome)
    if band is not None and change is not None:
        light = credibility.plausibility(spec.intervention.kind, outcome, change)
        assert light is not None
        row |= {"verdict": light.value, "green_low": band.green[0], "green_high": band.green[1]}
        row |= {"amber_low": band.amber[0], "amber_high": band.amber[1]}
    findings.add("claim", row)


def _persons(claim: Claim) -> float | None:
    """Return the claimed change in persons: added up, or after less before; None for shares."""
    if claim.kind in ("more", "fewer"):
        return float(sum(claim.persons)) * (1 if claim.kind == "more" else -1)
    if claim.kind == "count" and claim.before is not None and claim.after is not None:
        return claim.after - claim.before
    return None


def _change(claim: Claim) -> float | None:
    """Return the relative change of a count, or the difference of two shares as a fraction."""
    if claim.before is None or claim.after is None:
        return None
    return claim.after / claim.before - 1 if claim.kind == "count" else (claim.after - claim.before) / 100
