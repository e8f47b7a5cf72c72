"""Answer one specification, from what lies in extracts/ to a report."""

from __future__ import annotations

from prefect import flow

from flows import steps
from flows.told import tell_failure

QUIET = {"persist_result": False, "result_serializer": "json"}
TOLD = {"on_failure": [tell_failure], "on_crashed": [tell_failure]}


def prepare(project: str) -> None:
    """Bring the store up to date: its version, new deliveries, tables, and a verdict on them."""
    steps.open_store(project)
    steps.load(project)
    steps.build(project)
    steps.check(project)


@flow(name="answer", **QUIET, **TOLD)
def answer(project: str, spec: str) -> list[str]:
    """Estimate, release and report one spec on a store that is up to date; return the names of the reports."""
    run_id = steps.estimate(project, spec)
    return [steps.report(project, released) for released in steps.release(project, run_id)]


@flow(name="evaluate", **QUIET, **TOLD)
def evaluate(project: str, spec: str) -> list[str]:
    """Load what is new, check it and answer `spec`, a path inside the project such as specs/trappe.toml."""
    prepare(project)
    return answer.fn(project, spec)
