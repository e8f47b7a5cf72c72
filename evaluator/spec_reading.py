"""Reads an evaluation spec from TOML, strictly: unknown keys and bad values are refused with file and line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from evaluator import spec_values as values
from evaluator.errors import SpecError
from evaluator.estimators.plugins import installed
from evaluator.spec import (
    ADJUSTMENTS,
    AMOUNTS,
    CLAIMS,
    GROUPINGS,
    KINDS,
    LEAVE_OUT,
    OUTCOMES,
    PERIOD_MONTHS,
    PLACEBO_OUTCOMES,
    POOLS,
    Claim,
    Comparison,
    Curve,
    Disclosure,
    Estimation,
    Evaluation,
    EvaluationSpec,
    Intervention,
    Meetings,
    Outcome,
    PanelChoice,
    PlaceboOutcome,
    Population,
    Sanctions,
    Start,
)
from evaluator.spec_lines import line_of
from evaluator.spec_rules import refuse_contradictions
from evaluator.spec_values import Check


def _start(value: Any) -> Start:
    if not isinstance(value, Mapping) or set(value) != {"unit", "on"}:
        raise ValueError('entries such as { unit = "615", on = 2017-01-01 }')
    return Start(values.municipality(value["unit"]), values.date(value["on"]))


def _estimator(value: Any) -> str:
    """Return the name of a registered estimator; only the names are looked up, nothing is imported."""
    return str(values.one_of(*installed())(value))


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
            "pool": values.one_of(*POOLS),
            "exclude_donors": values.several(values.municipality),
            "anticipation": values.whole(0, 36),
            "minimum_level": values.number(0, 1e9),
            "exclude_neighbours": values.flag,
            "other_projects": values.several(values.municipality),
            "base_periods": values.whole(1, 60),
        },
    ),
    "claim": (
        Claim,
        {
            "text": values.text,
            "kind": values.one_of(*CLAIMS),
            "before": values.number(0, 1e9),
            "after": values.number(0, 1e9),
            "persons": values.listed(values.whole(1, 1_000_000)),
            "amount_dkk": values.number(1, 1e12),
            "amount": values.one_of(*AMOUNTS),
            "source": values.text,
            "note": values.text,
        },
    ),
    "estimation": (
        Estimation,
        {
            "estimators": values.several(_estimator),
            "who_gains": values.several(values.one_of(*GROUPINGS)),
            "seed": values.whole(0, 2**31 - 1),
            "adjustment": values.one_of(*ADJUSTMENTS),
            "covariates": values.several(values.one_of(*GROUPINGS)),
        },
    ),
    "curve": (
        Curve,
        {
            "comparison": values.several(values.one_of(*POOLS)),
            "base_periods": values.several(values.whole(1, 60)),
            "estimators": values.several(_estimator),
            "adjustment": values.several(values.one_of(*ADJUSTMENTS)),
            "leave_out": values.several(values.one_of(*LEAVE_OUT)),
            "draws": values.whole(99, 999),
        },
    ),
    "placebo_outcome": (PlaceboOutcome, {"name": values.one_of(*PLACEBO_OUTCOMES)}),
    "sanctions": (
        Sanctions,
        {"persons": values.whole(500, 10_000_000), "mass_points": values.whole(1, 12)},
    ),
    "meetings": (
        Meetings,
        {
            "counselling": values.several(values.text),
            "control": values.several(values.text),
            "mass_points": values.whole(1, 12),
        },
    ),
    "disclosure": (Disclosure, {"minimum_count": values.whole(5, 100), "published": values.flag}),
}
_REPEATED = {"outcome": "outcomes", "placebo_outcome": "placebo_outcomes"}
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

    parts: dict[str, Any] = {
        name: _section(where(name), name, content.get(name, {}))
        for name in _SECTIONS
        if name not in _REPEATED and (name in content or name in ("comparison", "disclosure"))
    }
    for name, field in _REPEATED.items():
        if not isinstance(listed := content.get(name, []), list):
            raise SpecError(
                f"{where(name)('')}: they come as [[{name}]]; expected double brackets. Add the second pair."
            )
        parts[field] = tuple(_section(where(name, i), name, each) for i, each in enumerate(listed))
    spec = EvaluationSpec(**parts, file=file, text=text)
    refuse_contradictions(spec, lambda section, key: where(section)(key))
    return spec
