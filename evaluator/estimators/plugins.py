"""Estimators by name: ours and those that other packages register, all through one entry point group."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from evaluator.errors import SpecError

GROUP = "evaluator.estimators"


def installed() -> dict[str, EntryPoint]:
    """Return the registered estimators by name, sorted; nothing is imported."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point for point in found}


@cache
def load(name: str) -> type:
    """Return the estimator class registered as `name`, or that of `module:Class`.

    Raises SpecError when there is none, or it cannot be imported.
    """
    known = installed()
    try:
        if name in known:
            return _a_class(known[name].load(), name)
        if ":" in name:
            module, _, attribute = name.partition(":")
            return _a_class(getattr(import_module(module), attribute), name)
    except (ImportError, AttributeError) as error:
        raise SpecError(
            f"estimator '{name}': cannot be imported ({error}); expected an importable class. "
            "Install its package in this environment."
        ) from error
    raise SpecError(
        f"estimator '{name}': not registered; expected one of {', '.join(known)}, or module:Class. "
        f"Register it in the entry point group {GROUP}."
    )


def made(name: str, **choices: Any) -> Any:
    """Return the estimator `name` with those of `choices` that it takes; the others do not concern it."""
    cls = load(name)
    taken = {f.name for f in fields(cls) if f.init} if is_dataclass(cls) else set()
    return cls(**{key: value for key, value in choices.items() if key in taken})


def _a_class(found: Any, name: str) -> type:
    if not (isinstance(found, type) and callable(getattr(found, "fit", None))):
        raise SpecError(f"estimator '{name}': no class with a method 'fit'; expected one. Name the class itself.")
    return found
