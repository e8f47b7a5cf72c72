"""The one file an analyst edits, as nouns: an evaluation spec and the canonical hash of its choices.

`evaluator.spec_reading` reads it from TOML. The hash covers every choice that can move a number; titles, questions
and claims are words and stay outside it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

END_STATES = ("job", "education", "other_benefit", "entry_benefit", "supported_work", "self_support", "left_register")
PERSON_OUTCOMES = (
    *END_STATES,
    "paid_hours_any",
    "paid_hours_20",
    "paid_hours_87",
    "benefit_share",
    "sick_weeks",
    "sanctions",
)
SERIES_OUTCOMES = ("recipients",)
EXIT_OUTCOMES = ("exit_job", "exit_education", "exit_other_benefit", "exit_self_support")
OUTCOMES = (*PERSON_OUTCOMES, *SERIES_OUTCOMES, *EXIT_OUTCOMES)
WEIGHTED_PATHS = ("synthetic_did", "synthetic_control", "donor_pool")
ESTIMATES = {
    **dict.fromkeys(("mean_log_change", *WEIGHTED_PATHS), SERIES_OUTCOMES),
    "municipality_panel": EXIT_OUTCOMES,
}
"""What the methods of municipalities answer for; every other registered estimator takes person outcomes."""
PLACEBO_OUTCOMES = ("employees",)
POOLS = ("never", "not_yet")
ADJUSTMENTS = ("none", "regression", "weighting", "doubly_robust")
LEAVE_OUT = ("nobody", "largest")
CLAIMS = ("count", "share", "more", "fewer")
AMOUNTS = ("saved", "spent")
KINDS = ("caseload", "sanction", "meeting", "programme", "activation")
PERIOD_MONTHS = {"month": 1, "quarter": 3}
GROUPINGS = ("age_group", "target_group", "sex", "education_level", "benefit")
SOCIAL_ASSISTANCE = ("kontanthjaelp", "uddannelseshjaelp")
WEEKS_PER_YEAR = 52
FOLLOWED_WEEKS = (26, 52)
EARLY_WEEKS = 13
"""After a quarter of the year few sanctions have been decided, and what else caseworkers do has begun to show."""
"""Weeks after a sanction at which end states are compared."""
MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True)
class Start:
    unit: str
    on: dt.date


@dataclass(frozen=True, slots=True)
class Evaluation:
    name: str
    title: str
    question: str
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Intervention:
    kind: str
    name: str
    assigned_at: str = "municipality"
    starts: tuple[Start, ...] = ()


@dataclass(frozen=True, slots=True)
class Population:
    benefits: tuple[str, ...]
    target_groups: tuple[str, ...] = ()
    age: tuple[int, int] = (15, 70)
    entry: str = "inflow"


@dataclass(frozen=True, slots=True)
class PanelChoice:
    from_: dt.date
    to: dt.date
    unit: str = "municipality"
    period: str = "month"
    source: str = "registers"

    @property
    def period_months(self) -> int:
        return PERIOD_MONTHS[self.period]


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    horizon_weeks: int = WEEKS_PER_YEAR
    primary: bool = False
    relevant_change: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    pool: str = "never"
    exclude_donors: tuple[str, ...] = ()
    anticipation: int = 0
    minimum_level: float = 0.0
    exclude_neighbours: bool = False  # those that share a border or a bridge with a treated one are no donors
    other_projects: tuple[str, ...] = ()  # donors with a project of their own: the answer is given without them too
    base_periods: int | None = None  # entry periods that make up the base; None = one year of them


@dataclass(frozen=True, slots=True)
class Estimation:
    """The first estimator that takes an outcome answers for it; the others run beside it."""

    estimators: tuple[str, ...]
    who_gains: tuple[str, ...] = ()
    seed: int = 20170101
    adjustment: str = "none"  # for traits at entry
    covariates: tuple[str, ...] = ()  # the traits


@dataclass(frozen=True, slots=True)
class Curve:
    """Choices that could have been made otherwise; every combination is run. An empty one means a sensible default."""

    comparison: tuple[str, ...] = ()
    base_periods: tuple[int, ...] = ()
    estimators: tuple[str, ...] = ()
    adjustment: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()  # "largest": the run without the municipality with most entrants
    draws: int = 199  # reassignments of the starts behind the joint test


@dataclass(frozen=True, slots=True)
class PlaceboOutcome:
    """An outcome of municipalities that the intervention cannot have moved."""

    name: str


@dataclass(frozen=True, slots=True)
class Sanctions:
    """Those who are sanctioned, followed person by person; without it municipalities alone are compared."""

    persons: int = 10_000  # drawn at random by a seeded hash, with all their spells
    mass_points: int = 3  # most kinds of person that the model may tell apart


@dataclass(frozen=True, slots=True)
class Meetings:
    """What meetings are about: the extract states a type, and what a type stands for is for the analyst to say."""

    counselling: tuple[str, ...]
    control: tuple[str, ...]
    mass_points: int = 2  # most kinds of person that the timing of events beside the hazards may tell apart


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody said the intervention did: repeated as arithmetic, never as a finding.

    `count`: persons before and after; `share`: per cent before and after; `more` and `fewer`: persons, added up.
    """

    text: str
    kind: str
    before: float | None = None
    after: float | None = None
    persons: tuple[int, ...] = ()
    amount_dkk: float | None = None
    amount: str = "saved"  # or spent
    source: str = ""
    note: str = ""  # what the sources disagree on, or do not say


@dataclass(frozen=True, slots=True)
class Disclosure:
    minimum_count: int = 5
    published: bool = False  # the series is public already, so its counts go out as they are


@dataclass(frozen=True, slots=True)
class EvaluationSpec:
    evaluation: Evaluation
    intervention: Intervention
    population: Population
    panel: PanelChoice
    outcomes: tuple[Outcome, ...]
    comparison: Comparison
    estimation: Estimation
    disclosure: Disclosure = field(default_factory=Disclosure)
    curve: Curve = field(default_factory=Curve)
    placebo_outcomes: tuple[PlaceboOutcome, ...] = ()
    claim: Claim | None = None
    sanctions: Sanctions | None = None
    meetings: Meetings | None = None
    file: str = ""
    text: str = ""  # as read, once: what is stored is what was locked

    @property
    def primary(self) -> Outcome:
        return next((o for o in self.outcomes if o.primary), self.outcomes[0])

    @property
    def horizons(self) -> tuple[int, ...]:
        """Horizons in weeks of the person outcomes, smallest first."""
        return tuple(sorted({o.horizon_weeks for o in self.outcomes if o.name in PERSON_OUTCOMES}))

    def estimator_for(self, outcome: str) -> str | None:
        """Return the method that answers for an outcome: the first listed that takes it."""
        return next((name for name in self.estimation.estimators if outcome in estimates(name)), None)

    @property
    def primary_estimator(self) -> str:
        """The method behind the primary outcome."""
        return self.estimator_for(self.primary.name) or ""

    @property
    def person_estimator(self) -> str:
        """The method behind person outcomes; empty when the spec has none."""
        return next((name for name in self.estimation.estimators if name not in ESTIMATES), "")

    @property
    def beside(self) -> tuple[str, ...]:
        """The estimators of person outcomes that run beside the one that answers."""
        takers = [name for name in self.estimation.estimators if name not in ESTIMATES]
        return tuple(takers[1:])

    @property
    def base_periods(self) -> int:
        """Entry periods pooled into the base of a comparison; one year unless the spec says otherwise."""
        return self.comparison.base_periods or MONTHS_PER_YEAR // self.panel.period_months

    def exposure_periods(self, horizon_weeks: int) -> int:
        """Periods before the start in which an entry cohort is already partly exposed: declared plus horizon.

        Source: entry cohorts, total anticipation = declared months + horizon (26 weeks are 6 months, 52 weeks 12).
        """
        months = self.comparison.anticipation + math.ceil(horizon_weeks * MONTHS_PER_YEAR / WEEKS_PER_YEAR)
        return math.ceil(months / self.panel.period_months)

    @property
    def content_hash(self) -> str:
        """SHA-256 over every choice that can move a number, independent of order, spacing and comments.

        A key that the product gained later counts only when it is used, so that a spec keeps its hash.
        """
        content = asdict(self)
        del content["file"], content["text"], content["claim"]
        content["evaluation"] = {"name": self.evaluation.name}
        owners = ((content, self), *((content[name], getattr(self, name)) for name in ("estimation", "comparison")))
        for part, owner in owners:
            for added in fields(owner):
                if added.name in ADDED_LATER and getattr(owner, added.name) == _default(added):
                    del part[added.name]
        text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


ADDED_LATER = (
    *("adjustment", "covariates", "curve", "placebo_outcomes", "exclude_neighbours", "other_projects"),
    *("sanctions", "meetings"),
)


def _default(of: Any) -> Any:
    return of.default if of.default_factory is MISSING else of.default_factory()


def estimates(name: str) -> tuple[str, ...]:
    """Return the outcomes that the estimator registered as `name` answers for."""
    return ESTIMATES.get(name, PERSON_OUTCOMES)
