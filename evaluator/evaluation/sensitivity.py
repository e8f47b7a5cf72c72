"""How far the answer rests on its assumptions and choices: the primary person outcome, tried in other ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluator.design.frozen import Design
from evaluator.errors import PanelError
from evaluator.evaluation.entry_cohorts import NEVER_LABEL, EntryCohorts, month_of_index, unit_of
from evaluator.evaluation.estimate_rows import Place, estimate_row
from evaluator.evaluation.methods import answer, chosen, data_for, estimator_of
from evaluator.inference.leave_one_out import leave_one_cluster_out
from evaluator.inference.rule import FEW
from evaluator.results import Findings
from evaluator.spec import EvaluationSpec
from evaluator.spec_rules import is_exhibit
from evaluator.vocabulary import Estimate, NotEstimable, Sections

Found = Estimate | NotEstimable


@dataclass(frozen=True, slots=True)
class Question:
    """The primary outcome of a run at its horizon, and who is behind it."""

    spec: EvaluationSpec
    design: Design
    cohorts: EntryCohorts

    @property
    def outcome(self) -> str:
        return self.spec.primary.name

    @property
    def method(self) -> Any:
        return estimator_of(self.spec, self.cohorts.horizon_weeks)

    def data(self, method: Any) -> Sections:
        return data_for(self.spec, method, self.cohorts, self.outcome)

    def place(self, aggregate: str, at_label: str, at: int | None = None) -> Place:
        return Place(self.outcome, self.cohorts.horizon_weeks, unit_of(self.outcome), aggregate, at, at_label)

    def exposed_persons(self) -> int:
        """Return the treated persons from their start on of whom the outcome is known."""
        return int(self.cohorts.exposed().select(self.cohorts.persons(self.outcome).sum()).item())

    def smallest(self) -> int:
        """Return the fewest treated persons, in the outcome or not in it, behind the answer."""
        return self.cohorts.smallest(self.outcome, self.spec)

    def smallest_without(self, *codes: str) -> int:
        """Return the fewest behind the answer without some municipalities, and behind the difference that they make.

        Both the answer and the one without them leave the store, so what is left out can be taken from the two.
        """
        rest, left = self.cohorts.without(*codes), self.cohorts.only(*codes)
        is_treated = left.cells["cohort"].max() != NEVER_LABEL
        behind = left.smallest(self.outcome, self.spec) if is_treated else left.smallest_of(self.outcome, left.cells)
        return min(rest.smallest(self.outcome, self.spec), behind)


def estimate(question: Question, names: Mapping[str, str], findings: Findings) -> None:
    """Add the answer by the spec's other estimators, without each start group, and without the weightiest municipality.

    `names` are the municipalities' by code.
    """
    findings.add("estimates", *_other_methods(question))
    findings.add("estimates", *_without_each_start(question))
    findings.add("estimates", *_without_the_weightiest(question, names))


def _other_methods(question: Question) -> list[Any]:
    """Return a row per estimator beside the one that answers; a warning exhibit is marked as one."""
    rows = []
    for name in question.spec.beside:
        method = chosen(question.spec, name, question.cohorts.horizon_weeks)
        found = answer(method, question.data(method))
        place = question.place("exhibit" if is_exhibit(name) else "estimator", name)
        rows.append(estimate_row(place, found, question.smallest()))
    return rows


def _without_each_start(question: Question) -> list[Any]:
    """Return a row per start group, without its municipalities; none when all started at once."""
    import polars as pl

    cells = question.cohorts.cells.filter(pl.col("cohort") != NEVER_LABEL)
    groups = cells.group_by("cohort").agg(pl.col("municipality_code").unique().sort()).sort("cohort")
    if groups.height < 2:
        return []
    return [
        _without(question, question.place("without_start", f"{month_of_index(start):%Y-%m}", start), tuple(codes))
        for start, codes in groups.iter_rows()
    ]


def _without_the_weightiest(question: Question, names: Mapping[str, str]) -> list[Any]:
    """Return the row without the municipality that moves the answer most; none where errors come from placebos."""
    method = question.method
    data = question.data(method)
    try:
        refits = leave_one_cluster_out(method, data, "simple")
    except PanelError:
        return []
    moved = np.abs(refits.refits[:, 0] - refits.value[0])
    if refits.treated[0] < FEW or not np.isfinite(moved).any():
        return []
    code = data.clusters[int(np.nanargmax(moved))]
    return [_without(question, question.place("without_municipality", names.get(code, code)), (code,))]


def _without(question: Question, place: Place, codes: tuple[str, ...]) -> Any:
    rest = replace(question, cohorts=question.cohorts.without(*codes))
    found = answer(rest.method, rest.data(rest.method))
    return estimate_row(place, found, question.smallest_without(*codes))
