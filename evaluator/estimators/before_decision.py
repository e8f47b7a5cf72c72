"""The effect of a sanction counted from its decision, and beside it from what came before: notice, hearing, no-show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluator.estimators.timing_of_events import TimingOfEvents, anticipation, stays_away
from evaluator.vocabulary import Diagnostic, Estimate, Light, NotEstimable


@dataclass(frozen=True, slots=True)
class Headline:
    """The effect on one exit, weeks counted from `start`; log hazard ratios."""

    start: str
    exit: str
    first: Estimate  # weeks 0-4: what caused the sanction shows here too
    later: Estimate  # from week 5: the headline
    checks: tuple[Diagnostic, ...]

    @property
    def is_flagged(self) -> bool:
        """Return whether people seem to act on what is coming, so that the headline needs that said beside it."""
        return any(check.verdict is Light.AMBER for check in self.checks)


def headlines(
    runs: Mapping[str, TimingOfEvents | NotEstimable], absences: Sequence[str] = ()
) -> dict[str, tuple[Headline, ...] | NotEstimable]:
    """Return, per start, the effect on each exit in weeks 0-4 and, as the headline, from week 5.

    `runs` are fits of `timing_of_events` by the name of the treatment that the weeks are counted from, such as
    "decision" and "hearing"; each has two columns for it, weeks 0-4 and from week 5 (`with_time_since` with cuts at 0
    and 5). `absences` are the columns of no-shows where a run has them as states. A run that was refused stays so.
    The effects are those of being sanctioned: what the threat does to people never sanctioned is not measured.
    """
    return {start: _headlines(start, run, absences) for start, run in runs.items()}


def _headlines(
    start: str, run: TimingOfEvents | NotEstimable, absences: Sequence[str]
) -> tuple[Headline, ...] | NotEstimable:
    if isinstance(run, NotEstimable):
        return run
    pieces = run.treatments.get(start, ())
    if len(pieces) != 2:
        return NotEstimable(
            f"the effect of '{start}' has {len(pieces)} pieces of time", "Two: weeks 0-4, and from week 5 on."
        )
    fit, (first, later) = run.chosen, pieces
    return tuple(
        Headline(
            start,
            leaving,
            fit.estimate(f"{leaving}.{first}"),
            fit.estimate(f"{leaving}.{later}"),
            (
                anticipation(fit, leaving, first, later),
                *(stays_away(fit, leaving, name) for name in absences if f"{leaving}.{name}" in fit.labels),
            ),
        )
        for leaving in run.exits
    )
