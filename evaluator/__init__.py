"""Would it have happened anyway? The public names; each is loaded when it is first used, so that importing is fast."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluator.errors import EvaluatorError
    from evaluator.estimators.group_time import GroupTime
    from evaluator.inference.aggregation import aggregate
    from evaluator.inference.offered import estimates
    from evaluator.project import Project
    from evaluator.spec_reading import read_spec
    from evaluator.vocabulary import Estimate, NotEstimable, Panel, Sections

__all__ = [
    "Estimate",
    "EvaluatorError",
    "GroupTime",
    "NotEstimable",
    "Panel",
    "Project",
    "Sections",
    "aggregate",
    "estimates",
    "read_spec",
]

_HOME = {
    "Estimate": "vocabulary",
    "EvaluatorError": "errors",
    "GroupTime": "estimators.group_time",
    "NotEstimable": "vocabulary",
    "Panel": "vocabulary",
    "Project": "project",
    "Sections": "vocabulary",
    "aggregate": "inference.aggregation",
    "estimates": "inference.offered",
    "read_spec": "spec_reading",
}
_PACKAGES = ("estimators", "inference")


def __getattr__(name: str) -> Any:
    """Return a public name, or one of the packages that economists use whole: `estimators` and `inference`."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})
