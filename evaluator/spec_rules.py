"""Choices of a spec that contradict each other, refused with file and line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from evaluator.errors import SpecError
from evaluator.estimators import plugins
from evaluator.spec import (
    ESTIMATES,
    EXIT_OUTCOMES,
    PERSON_OUTCOMES,
    SERIES_OUTCOMES,
    SOCIAL_ASSISTANCE,
    Curve,
    EvaluationSpec,
    Population,
)

Refuse = Callable[[str, str, str, str], None]


def refuse_contradictions(spec: EvaluationSpec, where: Callable[[str, str], str]) -> None:
    """Raise SpecError for the first contradiction; `where` gives file and line of a section's key."""

    def refuse(section: str, key: str, wrong: str, expected: str) -> None:
        raise SpecError(f"{where(section, key)}: {wrong}; expected {expected}. Correct the spec.")

    for rule in (
        _panel,
        _outcomes,
        _exits,
        _meetings,
        _series,
        _claim,
        _estimators,
        _adjustment,
        _sensitivity,
        _assignment,
    ):
        rule(spec, refuse)


def _panel(spec: EvaluationSpec, refuse: Refuse) -> None:
    if spec.panel.from_ >= spec.panel.to:
        refuse("panel", "to", "the panel ends before it begins", "'to' after 'from'")


def _outcomes(spec: EvaluationSpec, refuse: Refuse) -> None:
    if sum(o.primary for o in spec.outcomes) > 1:
        refuse("outcome", "primary", "several outcomes are primary", "exactly one")
    if len({(o.name, o.horizon_weeks) for o in spec.outcomes}) < len(spec.outcomes):
        refuse("outcome", "name", "an outcome is named twice at one horizon", "each once")
    if spec.population.entry == "stock" and spec.panel.source == "registers":
        refuse(
            "population",
            "entry",
            "a stock followed backwards has a pre-period fixed by the sampling",
            'entry = "inflow" (stock designs come in a later round)',
        )


def _exits(spec: EvaluationSpec, refuse: Refuse) -> None:
    exits = [o for o in spec.outcomes if o.name in EXIT_OUTCOMES]
    if spec.sanctions is not None and spec.intervention.kind != "sanction":
        refuse("sanctions", "", "persons are followed from a sanction on", "kind = 'sanction', or no [sanctions]")
    if (spec.intervention.kind == "sanction") != bool(exits):
        refuse("outcome", "name", "exit outcomes belong to kind = 'sanction' and to it alone", ", ".join(EXIT_OUTCOMES))
    if exits and (spec.population != Population(spec.population.benefits) or spec.panel.period != "month"):
        refuse("population", "target_groups", "the sanction panel counts everybody month by month", "benefits alone")
    if exits and set(spec.population.benefits) != set(SOCIAL_ASSISTANCE):
        refuse("population", "benefits", "the sanction panel counts both benefits", " and ".join(SOCIAL_ASSISTANCE))


def _meetings(spec: EvaluationSpec, refuse: Refuse) -> None:
    if (meetings := spec.meetings) is None:
        return
    if spec.sanctions is None:
        refuse("meetings", "", "nobody is followed from meeting to meeting", "[sanctions] beside [meetings]")
    if both := sorted(set(meetings.counselling) & set(meetings.control)):
        refuse("meetings", "control", f"'{both[0]}' is counselling too", "each type of meeting once")
    if not meetings.counselling or not meetings.control:
        refuse("meetings", "counselling", "a kind has no types of meeting", "types for both kinds")


def _series(spec: EvaluationSpec, refuse: Refuse) -> None:
    if spec.disclosure.published and spec.panel.source != "kommunepanel":
        refuse("disclosure", "published", "counts from registers are never public", "source = 'kommunepanel'")
    if spec.panel.source == "kommunepanel" and len(spec.population.target_groups) > 1:
        refuse("population", "target_groups", "a municipality series is read for one group", "one group, or none")
    if spec.comparison.other_projects and not any(o.name in SERIES_OUTCOMES for o in spec.outcomes):
        refuse("comparison", "other_projects", "only a series is answered without them too", "'exclude_donors'")
    if spec.panel.source == "kommunepanel" and any(o.name not in SERIES_OUTCOMES for o in spec.outcomes):
        refuse("outcome", "name", "a municipality series holds no persons", "outcome 'recipients'")


def _claim(spec: EvaluationSpec, refuse: Refuse) -> None:
    if (claim := spec.claim) is None:
        return
    ends = (claim.before is not None, claim.after is not None)
    adds_up = claim.kind in ("more", "fewer")
    if adds_up and (any(ends) or not claim.persons):
        refuse("claim", "kind", f"a claim of {claim.kind} persons has no before and after", "'persons' alone")
    if not adds_up and (not all(ends) or claim.persons or not claim.before):
        refuse("claim", "kind", f"a claim of a {claim.kind} compares two numbers", "'before' over 0 and 'after'")
    if claim.kind == "share" and max(claim.before or 0, claim.after or 0) > 100:
        refuse("claim", "before", "a share is over 100 per cent", "per cents such as 13")


def _estimators(spec: EvaluationSpec, refuse: Refuse) -> None:
    for outcome in spec.outcomes:
        answering = spec.estimator_for(outcome.name)
        if answering is None:
            fitting = next((name for name, outcomes in ESTIMATES.items() if outcome.name in outcomes), "group_time")
            wrong = f"no estimator takes outcome '{outcome.name}'"
            refuse("estimation", "estimators", wrong, f"'{fitting}' among them")
        elif is_exhibit(answering):
            wrong = f"'{answering}' is a warning exhibit and never answers"
            refuse("estimation", "estimators", wrong, "another estimator before it")


def _adjustment(spec: EvaluationSpec, refuse: Refuse) -> None:
    chosen, answering = spec.estimation, spec.estimator_for(spec.primary.name) or ""
    asked = {chosen.adjustment, *spec.curve.adjustment} - {"none"}
    section = "curve" if chosen.adjustment == "none" else "estimation"
    if asked and not chosen.covariates:
        refuse(section, "adjustment", "there is nothing to adjust for", "'covariates' in [estimation]")
    if chosen.covariates and not asked:
        refuse("estimation", "covariates", "covariates are not used", "an 'adjustment' other than \"none\"")
    if asked and "adjustment" not in takes(answering):
        refuse(section, "adjustment", f"'{answering}' does not adjust", '"none", or an estimator that does')
    for name in dict.fromkeys((*chosen.estimators, *spec.curve.estimators)):
        for adjustment in sorted(asked):
            if not adjusts_by(name, adjustment):
                refuse(section, "adjustment", f"'{name}' does not adjust by {adjustment}", "what all estimators take")


def _sensitivity(spec: EvaluationSpec, refuse: Refuse) -> None:
    is_of_persons = spec.primary.name in PERSON_OUTCOMES
    if spec.curve != Curve() and not is_of_persons:
        refuse("curve", "", "a curve needs a primary outcome of persons", "no [curve]")
    for name in spec.curve.estimators:
        if name in ESTIMATES or is_exhibit(name):
            refuse("curve", "estimators", f"'{name}' does not answer for persons", "estimators of person outcomes")
    if spec.placebo_outcomes and spec.intervention.kind == "sanction":
        refuse("placebo_outcome", "name", "sanctions have no start to test at", "none")
    names = [placebo.name for placebo in spec.placebo_outcomes]
    if len(set(names)) < len(names):
        refuse("placebo_outcome", "name", "a placebo outcome is named twice", "each once")


def _assignment(spec: EvaluationSpec, refuse: Refuse) -> None:
    outside = [s for s in spec.intervention.starts if not spec.panel.from_ < s.on <= spec.panel.to]
    if outside:
        refuse("intervention", "starts", "a start lies outside the panel", "starts after 'from' and before 'to'")
    if spec.intervention.assigned_at != "municipality":
        refuse("intervention", "assigned_at", "only municipalities can be compared so far", '"municipality"')


def is_exhibit(name: str) -> bool:
    """Return whether an estimator is shown as a warning only: its class says `is_exhibit = True`."""
    return _declared(plugins.load(name), "is_exhibit") is True


def adjusts_by(name: str, adjustment: str) -> bool:
    """Return whether an estimator takes this adjustment, or has none to choose."""
    try:
        plugins.made(name, adjustment=adjustment)
    except ValueError:
        return False
    return True


def takes(name: str) -> frozenset[str]:
    """Return the choices that an estimator has a field for."""
    found = plugins.load(name)
    return frozenset(field.name for field in fields(found)) if is_dataclass(found) else frozenset()


def _declared(found: type, name: str) -> Any:
    """Return a class attribute, or the default of the dataclass field of that name."""
    by_field = {field.name: field.default for field in fields(found)} if is_dataclass(found) else {}
    return by_field.get(name, getattr(found, name, None))
