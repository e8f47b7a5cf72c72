"""One method's answer for one treated municipality: the test it is offered, its other tests and its false starts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.diagnostics.placebo_starts import FalseStart, Timeline, yearly
from evaluator.diagnostics.pre_fit import moved_back
from evaluator.errors import PanelError
from evaluator.estimators.weighted_paths import contrasts_of
from evaluator.evaluation.entry_cohorts import month_of_index
from evaluator.inference.conformal import conformal, refitted
from evaluator.inference.ferman_pinto import ferman_pinto
from evaluator.inference.few_treated import BeforeStart, autocorrelation, variance_before
from evaluator.inference.judged import Judged, too_few_donors
from evaluator.inference.side_by_side import Tested, Treated, side_by_side
from evaluator.vocabulary import NEVER, Estimate, Floats, NotEstimable, Panel, Placebos

WITH_RESIDUALS = ("synthetic_control", "donor_pool")
"""Methods without weights of periods, whose residuals `conformal.refitted` makes."""
UNKNOWN = NotEstimable(
    "Metoden kræver tal for kommunen i alle perioder før og lige efter starten, og flere perioder før den.",
    "En længere serie uden huller, eller en bredere kategori.",
)


@dataclass(frozen=True, slots=True)
class Question:
    """A method and the series that it reads; a start is judged over `window` periods from it on."""

    name: str
    method: Any  # `fit` returns Placebos whose first column is the effect
    panel: Panel
    window: int
    anticipation: int

    @property
    def start(self) -> int:
        """Return the index of the first exposed period."""
        return int(self.panel.cohort[self.panel.cohort != NEVER][0])

    @property
    def timeline(self) -> Timeline:
        """Return the series with the periods that a false start needs on either side."""
        return Timeline(months_of(self.panel), self.start, self.window, self.window, self.anticipation)

    def placebos(self, panel: Panel) -> Placebos:
        """Return the effects in `panel`, donors compared among themselves where the method offers it."""
        found: Placebos = getattr(self.method, "apart", self.method.fit)(panel)
        return found


@dataclass(frozen=True, slots=True)
class AtFalseStart:
    """The effect at a date on which nothing happened."""

    start: FalseStart
    judged: Judged | NotEstimable


@dataclass(frozen=True, slots=True)
class Answer:
    """What one method says, by every test that it is offered; the first of them is the headline."""

    question: Question
    placebos: Placebos
    tests: tuple[Tested, ...]
    false_starts: tuple[AtFalseStart, ...]

    @property
    def estimate(self) -> Estimate | NotEstimable:
        """Return the effect by the headline test, or a refusal when no test is offered."""
        judged = self.headline
        return too_few_donors(self.donors) if judged is None else as_estimate(judged, self.placebos)

    @property
    def headline(self) -> Judged | None:
        """Return the first test that is offered."""
        return next((tested.judged for tested in self.tests if tested.judged), None)

    @property
    def donors(self) -> int:
        """Return the number of municipalities compared with."""
        return int(self.placebos.size.size)


def answered(question: Question, level: float) -> Answer:
    """Return the answer of a method by the tests that the rule of few treated offers it.

    What is offered is decided by the effects at false starts before the true one, each seeing nothing from it on.
    Raises PanelError as the method does.
    """
    placebos = question.placebos(question.panel)
    earlier = _earlier(question, yearly(question.timeline))
    known = _before_start(question, placebos, [found for _, found in earlier])
    tests = side_by_side(Treated([placebos], np.ones(1)), known, level, _by_blocks(question, placebos, level))
    at = tuple(AtFalseStart(start, ferman_pinto([found], level=level)) for start, found in earlier)
    return Answer(question, placebos, tests, at)


def as_estimate(judged: Judged, placebos: Placebos, level: float = 0.95) -> Estimate:
    """Return a test's answer as it is stored: no error, one treated cluster."""
    size, clusters = round(placebos.treated_size), placebos.size.size + 1
    return Estimate(
        judged.value, None, judged.low, judged.high, level, size, clusters, 1, judged.method, judged.p_value
    )


def _earlier(question: Question, starts: Sequence[FalseStart]) -> list[tuple[FalseStart, Placebos]]:
    found = []
    for start in starts:
        assert start.index is not None
        try:
            moved = moved_back(question.panel, start.index, question.window, question.anticipation)
            found.append((start, question.placebos(moved)))
        except PanelError:
            continue
    return found


def _before_start(question: Question, placebos: Placebos, earlier: Sequence[Placebos]) -> BeforeStart:
    """Return what decides about the tests; without false starts all variance is taken to come from persons."""
    a, b = 0.0, 1.0
    if any(found.donors.any() for found in earlier):
        a, b = variance_before(earlier)
    before = question.start - question.anticipation
    return BeforeStart(
        treated=np.array([placebos.treated_size]),
        donors=placebos.size,
        share=np.ones(1),
        a=a,
        b=b,
        periods_before=before,
        periods_after=question.window,
        autocorrelation=autocorrelation(_gaps(question, before)),
    )


def _gaps(question: Question, before: int) -> Floats:
    """Return log numbers before the start less their mean over municipalities (U, T), of those with all of them."""
    panel = question.panel
    cells = np.exp(panel.outcome) if panel.unit == "log" else np.where(panel.observed, panel.outcome, 0.0)
    kept = (cells[:, :before] > 0).all(axis=1)
    logs = np.log(cells[kept, :before])
    return np.asarray(logs - logs.mean(axis=0)) if kept.any() else np.zeros((1, before))


def _by_blocks(question: Question, placebos: Placebos, level: float) -> Callable[[], Judged | NotEstimable] | None:
    """Return the rearrangement test of a method with residuals, None for another."""
    if question.name not in WITH_RESIDUALS:
        return None

    def test() -> Judged | NotEstimable:
        (contrast,) = contrasts_of(question.method, question.panel)
        return conformal(refitted(question.method, contrast), float(placebos.effect[0]), question.start, level=level)

    return test


def months_of(panel: Panel) -> tuple[dt.date, ...]:
    """Return the first day of each period of a series."""
    return tuple(month_of_index(int(period)) for period in panel.periods)
