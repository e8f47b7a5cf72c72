"""The specification curve: the primary effect under every combination of choices that might have been made.

Source: Simonsohn, Simmons and Nelson (2020), Nature Human Behaviour 4. Of their three joint tests the first is used:
the median effect over all choices against its distribution when the starts are given to other municipalities at random,
each median scaled by the persons behind it, and by how they are spread over the municipalities of its set, as every
placebo here is (Ferman and Pinto 2019). The share of significant choices and the mean z would need an error per choice
and draw.

The median must be the same statistic at every assignment. A choice that leaves out the largest municipality therefore
leaves the joint test when that one is treated: a stand-in is never without one of its own, so the two would not be
alike under chance. When the largest is not treated, it stands in for nobody while some choice leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.evaluation.entry_cohorts import NEVER_LABEL, EntryCohorts, unit_of
from evaluator.evaluation.methods import answer, chosen
from evaluator.evaluation.sensitivity import Question
from evaluator.inference.aggregation import aggregate
from evaluator.inference.ferman_pinto import p_value
from evaluator.inference.judged import MIN_DONORS
from evaluator.inference.placebo import different, when_assigned
from evaluator.panel import select
from evaluator.results import Findings
from evaluator.spec import POOLS, EvaluationSpec
from evaluator.spec_rules import is_exhibit, takes
from evaluator.vocabulary import NEVER, Estimate, Floats, Ints, NotEstimable, Placebos, Sections

NOBODY, LARGEST = "nobody", "largest"


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to have answered; None where the estimator does not take that choice."""

    estimator: str
    comparison: str | None
    base_periods: int | None
    adjustment: str | None
    leave_out: str


@dataclass(frozen=True, slots=True)
class JointTest:
    """The median effect over some choices among its stand-ins. Without a p-value `reason` says why, in Danish."""

    choices: int  # behind the median
    assignments: int  # at which it is known
    p_value: float | None = None
    reason: str = ""


def specification_curve(question: Question, findings: Findings) -> None:
    """Add a row to `curve` for each choice, and the facts of the joint test of those that are answered."""
    choices = choices_of(question.spec)
    largest = _largest(question)
    answered = []
    for choice in choices:
        rest = question if choice.leave_out == NOBODY else _without(question, largest)
        method = _method(rest, choice)
        found = answer(method, rest.data(method))
        answered += [choice] if isinstance(found, Estimate) else []
        findings.add("curve", _row(question, choice, found, _smallest(question, choice, largest)))
    joint = joint_test(question, tuple(answered), largest)
    findings.facts(curve_choices=len(choices), curve_joint_choices=joint.choices, curve_assignments=joint.assignments)
    if joint.p_value is None:
        findings.facts(curve_refused=joint.reason)
    else:
        findings.facts(curve_p=round(joint.p_value, 3))


def choices_of(spec: EvaluationSpec) -> tuple[Choice, ...]:
    """Return the combinations that differ for their estimator, the spec's own first.

    Declared in [curve]; what it leaves out, or a spec without one, varies over: both comparisons, a base of half and of
    full length, every estimator listed that may answer, with and without the spec's adjustment, with and without the
    municipality of most entrants.
    """
    asked = spec.curve
    listed = [name for name in (spec.person_estimator, *spec.beside) if not is_exhibit(name)]
    found = [own_choice(spec)]
    for name in asked.estimators or listed:
        taken = takes(name)
        found += [
            _choice(name, taken, made)
            for made in product(
                asked.comparison or POOLS,
                asked.base_periods or sorted({max(1, spec.base_periods // 2), spec.base_periods}),
                asked.adjustment or sorted({"none", spec.estimation.adjustment}),
                asked.leave_out or (NOBODY, LARGEST),
            )
        ]
    return tuple(dict.fromkeys(found))


def own_choice(spec: EvaluationSpec) -> Choice:
    """Return the choice behind the answer."""
    name, chosen = spec.person_estimator, spec.estimation
    return _choice(name, takes(name), (spec.comparison.pool, spec.base_periods, chosen.adjustment, NOBODY))


def _choice(name: str, taken: frozenset[str], made: tuple[str, int, str, str]) -> Choice:
    comparison, base_periods, adjustment, leave_out = made
    return Choice(
        name,
        comparison if "comparison" in taken else None,
        base_periods if "base_periods" in taken else None,
        adjustment if "adjustment" in taken else None,
        leave_out,
    )


def joint_test(question: Question, answered: tuple[Choice, ...], largest: str) -> JointTest:
    """Return how the median effect over the answered choices stands among its stand-ins.

    As many municipalities without a start as there are treated are drawn, and get their starts; the treated are left
    out meanwhile. An assignment at which no choice can be made is none. A choice that cannot be made at one of the
    others leaves the median at all, as does one without the largest municipality when that is treated. No p-value under
    19 such municipalities or different assignments: it could not reach 5 per cent, sets of few municipalities overlap.
    """
    every = question.data(question.method)
    labels, own = np.array(every.clusters), _cohort_of_cluster(every)
    treated = np.flatnonzero(own != NEVER)
    alike = [choice for choice in answered if choice.leave_out == NOBODY or largest not in labels[treated]]
    is_left_out = (labels == largest) & any(choice.leave_out == LARGEST for choice in alike)
    donors = np.flatnonzero((own == NEVER) & ~is_left_out)
    members = _assignments(donors, own[treated], question.spec)
    if not alike:
        return JointTest(0, len(members), reason="intet valg har et svar, som andre kommuner kan prøves mod.")
    if donors.size < MIN_DONORS:
        return JointTest(len(alike), len(members), reason=_too_few_donors(donors.size))
    if len(members) < MIN_DONORS:
        return JointTest(len(alike), len(members), reason=_too_few(len(members)))
    stand_ins = [dict(zip(labels[drawn].tolist(), own[treated].tolist(), strict=True)) for drawn in members]
    effects = np.column_stack([_effects(question, choice, largest, stand_ins) for choice in alike])
    concentration, size = _behind(every, np.array([treated, *members]), own[treated])
    scaled = effects / np.sqrt(concentration)[:, None]
    return _ranked(scaled[0], scaled[1:], size[1:], float(size[0]))


def _behind(every: Sections, members: Ints, starts: Ints) -> tuple[Floats, Floats]:
    """Return the concentration and the persons behind the effect of each set of municipalities (A, J).

    One municipality's effect varies as a + b / persons. A set's is a mean by shares of persons from the start on, so
    its variance is concentration x (a + b / size), with concentration = sum of squared shares: two alike vary half as
    much as one, and hardly less than one when the other is tiny. The persons alone do not tell.
    """
    persons = np.bincount(every.cluster, weights=every.weight)
    since = np.array([np.bincount(every.cluster, every.weight * (every.period >= s), persons.size) for s in starts])
    counted = since[np.arange(starts.size), members]
    squares = (counted / counted.sum(axis=1, keepdims=True)) ** 2
    per_person = np.divide(squares, persons[members], out=np.zeros(squares.shape), where=persons[members] > 0)
    return squares.sum(axis=1), squares.sum(axis=1) / per_person.sum(axis=1)


def _ranked(actual: Floats, effects: Floats, sizes: Floats, treated_size: float) -> JointTest:
    """Return the test of the medians of `actual` (C,) and of `effects` (A, C) by the choices known at every assignment.

    `sizes` (A,) and `treated_size` are the persons behind them. Assignments without any known choice do not count.
    """
    possible = np.isfinite(effects).any(axis=1)
    known = np.isfinite(effects[possible]).all(axis=0) & np.isfinite(actual)
    choices, assignments = int(known.sum()), int(possible.sum())
    if assignments < MIN_DONORS:
        return JointTest(choices, assignments, reason=_too_few(assignments))
    if not choices:
        return JointTest(0, assignments, reason="intet valg kan beregnes ved alle fordelinger af indsatsen.")
    medians = np.median(effects[possible][:, known], axis=1)
    placebos = Placebos(np.array([np.median(actual[known])]), medians[:, None], sizes[possible], treated_size)
    return JointTest(choices, assignments, p_value([placebos], 0.0) if medians.any() else float(not actual.any()))


def _too_few_donors(donors: int) -> str:
    return (
        f"kun {donors} kommuner uden indsats kan træde i stedet for dem med, og der kræves mindst {MIN_DONORS}, så "
        "den kan intet vise."
    )


def _too_few(assignments: int) -> str:
    return (
        f"kun {assignments} forskellige fordelinger af indsatsen kan beregnes, og der kræves mindst {MIN_DONORS}, så "
        "den kan intet vise."
    )


def _effects(question: Question, choice: Choice, largest: str, stand_ins: list[dict[str, int]]) -> Floats:
    """Return a choice's effect, then those (1 + A,) had the municipalities of each of `stand_ins` been treated.

    A stand-in has the index of the first exposed period of each of its municipalities.
    """
    rest = question if choice.leave_out == NOBODY else _without(question, largest)
    method = _method(rest, choice)
    data = rest.data(method)
    donors = select(data, data.cohort == NEVER)
    assert isinstance(donors, Sections)
    cohort = np.array([[start.get(label, NEVER) for label in donors.clusters] for start in stand_ins])
    return np.append(_overall(method, data), when_assigned(method, donors, "simple", cohort, [None])[:, 0])


def _overall(method: Any, data: Sections) -> float:
    try:
        return aggregate(method.fit(data), data, "simple").value
    except PanelError:
        return float("nan")


def _assignments(donors: Ints, starts: Ints, spec: EvaluationSpec) -> list[Ints]:
    """Return different sets of donors, each in the order of `starts`, of at most the spec's number of draws."""
    if donors.size <= starts.size:
        return []
    rng = np.random.default_rng(spec.estimation.seed)
    return list(different((rng.permutation(donors)[: starts.size] for _ in range(spec.curve.draws)), starts))


def _cohort_of_cluster(data: Sections) -> Ints:
    out = np.full(len(data.clusters), NEVER, dtype=np.int64)
    out[data.cluster] = data.cohort
    return out


def _method(question: Question, choice: Choice) -> Any:
    instead = {"comparison": choice.comparison, "base_periods": choice.base_periods, "adjustment": choice.adjustment}
    taken = {key: value for key, value in instead.items() if value is not None}
    return chosen(question.spec, choice.estimator, question.cohorts.horizon_weeks, **taken)


def _largest(question: Question) -> str:
    """Return the code of the municipality with most entrants."""
    import polars as pl

    persons = question.cohorts.cells.group_by("municipality_code").agg(pl.col("persons").sum())
    return str(persons.sort("persons", "municipality_code", descending=[True, False])["municipality_code"][0])


def _without(question: Question, code: str) -> Question:
    return replace(question, cohorts=question.cohorts.without(code))


def _smallest(question: Question, choice: Choice, largest: str) -> int:
    """Return the fewest treated persons behind a choice, and behind what tells it from the others that leave the store.

    Without the largest municipality these are the rest and the largest itself, each with what the two bases differ by:
    rows of either base can be taken from each other, with the largest and without.
    """
    whole, base_periods = question.cohorts, choice.base_periods or question.spec.base_periods
    if choice.leave_out == NOBODY:
        return _fewest(question, whole, base_periods)
    return min(_fewest(question, part, base_periods) for part in (whole.without(largest), whole.only(largest)))


def _fewest(question: Question, part: EntryCohorts, base_periods: int) -> int:
    """Return the fewest treated persons in the spec's base, in another, in their difference, or from the start on.

    All persons of a part without treated.
    """
    if part.cells["cohort"].max() == NEVER_LABEL:
        return part.smallest_of(question.outcome, part.cells)
    other = replace(question.spec, comparison=replace(question.spec.comparison, base_periods=base_periods))
    short, long = sorted((part.base(spec) for spec in (question.spec, other)), key=lambda cells: cells.height)
    difference = long.join(short, on=["municipality_code", "period"], how="anti")
    differences = [difference] if difference.height else []  # nobody in it: the two rows are of the same persons
    return part.smallest_of(question.outcome, part.exposed(), short, *differences)


def _row(question: Question, choice: Choice, found: Estimate | NotEstimable, smallest: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "outcome": question.outcome,
        "horizon_weeks": question.cohorts.horizon_weeks,
        "estimator": choice.estimator,
        "comparison": choice.comparison,
        "base_periods": choice.base_periods,
        "adjustment": choice.adjustment,
        "leave_out": choice.leave_out,
        "is_main": choice == own_choice(question.spec),
        "unit": unit_of(question.outcome),
        "is_estimable": isinstance(found, Estimate),
    }
    if isinstance(found, NotEstimable):
        return {**row, "reason": found.reason}
    return {
        **row,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "smallest_count": smallest,
    }
