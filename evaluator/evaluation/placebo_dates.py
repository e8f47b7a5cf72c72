"""False starts among entrants whom nothing could have reached yet: an effect there is bias."""

from __future__ import annotations

from dataclasses import replace

from evaluator.diagnostics import credibility
from evaluator.evaluation.entry_cohorts import NEVER_LABEL, EntryCohorts, month_of_index
from evaluator.evaluation.estimate_rows import estimate_row
from evaluator.evaluation.methods import chosen, data_for
from evaluator.evaluation.sensitivity import Question
from evaluator.inference import offered
from evaluator.inference.offered import MIN_PRE_PERIODS
from evaluator.results import Findings
from evaluator.vocabulary import Diagnostic, Estimate

NAME = "placebo_date"
THRESHOLD = "p over 0,10"
SHARES = (1 / 4, 1 / 2, 3 / 4)  # of the unexposed periods, before each false start
WHY = (
    "Rammer metoden en forskel ved en falsk start, før nogen kunne være omfattet, måler den noget andet end indsatsen."
)


def placebo_dates(question: Question, findings: Findings) -> Diagnostic:
    """Add the effect of each false start of all treated at once; return the check that none of them is there.

    Only entrants are used who entered before the first start less the whole window of anticipation, so that nobody was
    exposed in any period up to the horizon. No window is then needed around the false start.
    """
    early = _unexposed(question)
    dates = _dates(early.periods)
    if not dates:
        return credibility.not_run(
            NAME, THRESHOLD, "Der er for få måneder før start, hvor ingen kunne være omfattet, til en falsk start."
        )
    found = []
    for before, date in zip((None, *dates), dates, strict=False):
        moved = replace(question, cohorts=_started(early, date))
        method = chosen(question.spec, question.spec.person_estimator, early.horizon_weeks, anticipation=0)
        answer = offered.estimates(method, data_for(question.spec, method, moved.cohorts, question.outcome), "simple")
        place = question.place(NAME, f"{month_of_index(date):%Y-%m}", date)
        findings.add("estimates", estimate_row(place, answer.overall, _smallest(moved, date, before)))
        found.append(answer.overall)
    tested = [answer.p_value for answer in found if isinstance(answer, Estimate) and answer.p_value is not None]
    if not tested:
        return credibility.not_run(NAME, THRESHOLD, next(f.reason for f in found if not isinstance(f, Estimate)))
    return replace(credibility.pre_trend(min(1.0, len(tested) * min(tested))), name=NAME, why=WHY)


def _unexposed(question: Question) -> EntryCohorts:
    """Return the entrants before the first start less the window, in treated and other municipalities."""
    import polars as pl

    cohorts, spec = question.cohorts, question.spec
    first = min(cohorts.cells.filter(pl.col("cohort") != NEVER_LABEL)["cohort"].to_list(), default=NEVER_LABEL)
    end = first - spec.exposure_periods(cohorts.horizon_weeks) * spec.panel.period_months
    before = pl.col("period") < end
    profiles = None if cohorts.profiles is None else cohorts.profiles.filter(before)
    periods = tuple(period for period in cohorts.periods if period < end)
    return replace(cohorts, cells=cohorts.cells.filter(before), periods=periods, profiles=profiles)


def _dates(periods: tuple[int, ...]) -> tuple[int, ...]:
    """Return the false starts: each has enough periods before it, and as many after."""
    places = [round(share * len(periods)) for share in SHARES]
    return tuple(dict.fromkeys(periods[p] for p in places if MIN_PRE_PERIODS <= p <= len(periods) - MIN_PRE_PERIODS))


def _started(cohorts: EntryCohorts, date: int) -> EntryCohorts:
    """Return the cohorts with every treated municipality starting in the period `date`."""
    import polars as pl

    moved = pl.when(pl.col("cohort") != NEVER_LABEL).then(date).otherwise(NEVER_LABEL).alias("cohort")
    profiles = None if cohorts.profiles is None else cohorts.profiles.with_columns(moved)
    return replace(cohorts, cells=cohorts.cells.with_columns(moved), profiles=profiles)


def _smallest(moved: Question, date: int, before: int | None) -> int:
    """Return the fewest treated persons, in the outcome or not, in the base of a false start or from it on.

    They are also those between it and the false start `before`: both leave the store, so who is exposed at the earlier
    one alone can be taken from the two.
    """
    import polars as pl

    treated = moved.cohorts.cells.filter(pl.col("cohort") != NEVER_LABEL)
    first = date - moved.spec.base_periods * moved.spec.panel.period_months
    spans = [(first, date)] if before is None else [(first, date), (before, date)]
    groups = [treated.filter(pl.col("period").is_between(*span, closed="left")) for span in spans]
    return moved.cohorts.smallest_of(moved.outcome, *groups, moved.cohorts.exposed())
