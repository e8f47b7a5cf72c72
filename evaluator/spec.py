"""The one file an analyst edits: an evaluation spec in TOML, read strictly and hashed canonically.

Unknown keys and bad values are refused with file and line. The hash covers every choice that can move a number;
titles, questions and claims are words and stay outside it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from evaluator import spec_values as values
from evaluator.errors import SpecError
from evaluator.spec_lines import line_of
from evaluator.spec_values import Check

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
ESTIMATES = {"group_time": PERSON_OUTCOMES, "mean_log_change": SERIES_OUTCOMES, "municipality_panel": EXIT_OUTCOMES}
KINDS = ("caseload", "sanction", "meeting", "programme")
PERIOD_MONTHS = {"month": 1, "quarter": 3}
GROUPINGS = ("age_group", "target_group", "sex", "education_level", "benefit")
SOCIAL_ASSISTANCE = ("kontanthjaelp", "uddannelseshjaelp")
WEEKS_PER_YEAR = 52
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
    base_periods: int | None = None  # entry periods that make up the base; None = one year of them


@dataclass(frozen=True, slots=True)
class Estimation:
    estimators: tuple[str, ...]
    who_gains: tuple[str, ...] = ()
    seed: int = 20170101


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
    file: str = ""
    text: str = ""  # as read, once: what is stored is what was locked

    @property
    def primary(self) -> Outcome:
        return next((o for o in self.outcomes if o.primary), self.outcomes[0])

    @property
    def horizons(self) -> tuple[int, ...]:
        """Horizons in weeks of the person outcomes, smallest first."""
        return tuple(sorted({o.horizon_weeks for o in self.outcomes if o.name in PERSON_OUTCOMES}))

    @property
    def primary_estimator(self) -> str:
        """The method behind the primary outcome."""
        return next(name for name, outcomes in ESTIMATES.items() if self.primary.name in outcomes)

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
        """SHA-256 over every choice that can move a number, independent of order, spacing and comments."""
        content = asdict(self)
        del content["file"], content["text"]
        content["evaluation"] = {"name": self.evaluation.name}
        text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _start(value: Any) -> Start:
    if not isinstance(value, Mapping) or set(value) != {"unit", "on"}:
        raise ValueError('entries such as { unit = "615", on = 2017-01-01 }')
    return Start(values.municipality(value["unit"]), values.date(value["on"]))


_SECTIONS: dict[str, tuple[type, dict[str, Check]]] = {
    "evaluation": (
        Evaluation,
        {"name": values.text, "title": values.text, "question": values.text, "claim": values.text},
    ),
    "intervention": (
        Intervention,
        {
            "kind": values.one_of(*KINDS),
            "name": values.text,
            "assigned_at": values.one_of("municipality", "team", "caseworker", "person"),
            "starts": values.several(_start),
        },
    ),
    "population": (
        Population,
        {
            "benefits": values.several(values.text),
            "target_groups": values.several(values.text),
            "age": values.ages,
            "entry": values.one_of("inflow", "stock"),
        },
    ),
    "panel": (
        PanelChoice,
        {
            "from": values.date,
            "to": values.date,
            "unit": values.one_of("municipality"),
            "period": values.one_of(*PERIOD_MONTHS),
            "source": values.one_of("registers", "kommunepanel"),
        },
    ),
    "outcome": (
        Outcome,
        {
            "name": values.one_of(*OUTCOMES),
            "horizon_weeks": values.whole(1, 260),
            "primary": values.flag,
            "relevant_change": values.number(0, 1000),
        },
    ),
    "comparison": (
        Comparison,
        {
            "pool": values.one_of("never", "not_yet"),
            "exclude_donors": values.several(values.municipality),
            "anticipation": values.whole(0, 36),
            "minimum_level": values.number(0, 1e9),
            "base_periods": values.whole(1, 60),
        },
    ),
    "estimation": (
        Estimation,
        {
            "estimators": values.several(values.one_of(*ESTIMATES)),
            "who_gains": values.several(values.one_of(*GROUPINGS)),
            "seed": values.whole(0, 2**31 - 1),
        },
    ),
    "disclosure": (Disclosure, {"minimum_count": values.whole(5, 100), "published": values.flag}),
}
_REQUIRED = ("evaluation", "intervention", "population", "panel", "outcome", "estimation")


def _section(where: Callable[[str], str], name: str, content: Any) -> Any:
    make, checks = _SECTIONS[name]
    if not isinstance(content, Mapping):
        raise SpecError(f"{where('')}: [{name}] is not a section; expected keys below [{name}]. See DESIGN of specs.")
    chosen = {}
    for key, value in content.items():
        if key not in checks:
            raise SpecError(
                f"{where(key)}: unknown key '{key}' in [{name}]; expected one of {', '.join(checks)}. "
                f"Remove or correct the key."
            )
        try:
            chosen["from_" if key == "from" else key] = checks[key](value)
        except ValueError as error:
            raise SpecError(
                f"{where(key)}: '{key}' in [{name}] is not valid; expected {error}. Correct the value."
            ) from None
    needed = [f.name for f in fields(make) if f.default is f.default_factory]  # both MISSING: no default
    missing = [n.rstrip("_") for n in needed if n not in chosen]
    if missing:
        raise SpecError(f"{where('')}: [{name}] lacks '{missing[0]}'; expected {', '.join(missing)}. Add it.")
    return make(**chosen)


def read_spec(path: Path) -> EvaluationSpec:
    """Return the spec in `path`.

    Raises SpecError with file and line for text that is no TOML, unknown sections or keys, bad values and choices
    that contradict each other.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name}: cannot be read as UTF-8 text; expected a TOML spec. Check the path.") from error
    return parse_spec(text, path.name)


def parse_spec(text: str, file: str) -> EvaluationSpec:
    """Return the spec written in `text`; `file` names it in errors."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{file}: not valid TOML ({error}); expected sections and keys. Correct the line.") from None
    unknown = [s for s in content if s not in _SECTIONS]
    if unknown:
        line = line_of(text, unknown[0], "")
        raise SpecError(f"{file}:{line}: unknown section [{unknown[0]}]; expected {', '.join(_SECTIONS)}. Remove it.")
    absent = [s for s in _REQUIRED if s not in content]
    if absent:
        raise SpecError(f"{file}: section [{absent[0]}] is absent; expected it in every spec. Add it.")

    def where(section: str, index: int = 0) -> Callable[[str], str]:
        return lambda key: f"{file}:{line_of(text, section, key, index)}"

    parts = {
        name: _section(where(name), name, content.get(name, {}))
        for name in _SECTIONS
        if name != "outcome" and (name in content or name in ("comparison", "disclosure"))
    }
    if not isinstance(content["outcome"], list):
        raise SpecError(f"{where('outcome')('')}: outcomes come as [[outcome]]; expected double brackets. Add them.")
    outcomes = tuple(_section(where("outcome", i), "outcome", o) for i, o in enumerate(content["outcome"]))
    spec = EvaluationSpec(**parts, outcomes=outcomes, file=file, text=text)
    _agree(spec, lambda section, key: where(section)(key))
    return spec


def _agree(spec: EvaluationSpec, where: Callable[[str, str], str]) -> None:
    def refuse(section: str, key: str, wrong: str, expected: str) -> None:
        raise SpecError(f"{where(section, key)}: {wrong}; expected {expected}. Correct the spec.")

    if spec.panel.from_ >= spec.panel.to:
        refuse("panel", "to", "the panel ends before it begins", "'to' after 'from'")
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
    exits = [o for o in spec.outcomes if o.name in EXIT_OUTCOMES]
    if (spec.intervention.kind == "sanction") != bool(exits):
        refuse("outcome", "name", "exit outcomes belong to kind = 'sanction' and to it alone", ", ".join(EXIT_OUTCOMES))
    if exits and (spec.population != Population(spec.population.benefits) or spec.panel.period != "month"):
        refuse("population", "target_groups", "the sanction panel counts everybody month by month", "benefits alone")
    if exits and set(spec.population.benefits) != set(SOCIAL_ASSISTANCE):
        refuse("population", "benefits", "the sanction panel counts both benefits", " and ".join(SOCIAL_ASSISTANCE))
    if spec.disclosure.published and spec.panel.source != "kommunepanel":
        refuse("disclosure", "published", "counts from registers are never public", "source = 'kommunepanel'")
    if spec.panel.source == "kommunepanel" and len(spec.population.target_groups) > 1:
        refuse("population", "target_groups", "a municipality series is read for one group", "one group, or none")
    if spec.panel.source == "kommunepanel" and any(o.name not in SERIES_OUTCOMES for o in spec.outcomes):
        refuse("outcome", "name", "a municipality series holds no persons", "outcome 'recipients'")
    for outcome in spec.outcomes:
        fitting = next(name for name, outcomes in ESTIMATES.items() if outcome.name in outcomes)
        if fitting not in spec.estimation.estimators:
            refuse(
                "estimation", "estimators", f"no estimator takes outcome '{outcome.name}'", f"'{fitting}' among them"
            )
    outside = [s for s in spec.intervention.starts if not spec.panel.from_ < s.on <= spec.panel.to]
    if outside:
        refuse("intervention", "starts", "a start lies outside the panel", "starts after 'from' and before 'to'")
    if spec.intervention.assigned_at != "municipality":
        refuse("intervention", "assigned_at", "only municipalities can be compared so far", '"municipality"')
