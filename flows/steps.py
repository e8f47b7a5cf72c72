"""The tasks: each is one call into the engine, and hands on paths, names and counts.

A task may be tried again at any point: a delivery is loaded whole or not at all and is known by its fingerprint, a
model is built in one transaction, and a run that exists already is found by its hashes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task

from evaluator import pipeline, store
from evaluator.disclosure import in_words
from evaluator.errors import ProjectError
from evaluator.project import Project
from flows.told import told

RETRIES = 3
RETRY_SECONDS = 60
STATUS = {"loaded": "indlæst", "already_loaded": "allerede indlæst"}


def _may_pass(task: Any, task_run: Any, state: Any) -> bool:
    """Tell whether trying again can help: a busy store or disk can, data that were refused cannot."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, ProjectError)


def step(name: str) -> Callable[[Callable[..., Any]], Any]:
    """Make a function a task that keeps nothing, tries again where that can help, and tells errors without values."""

    def decorate(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                failure = told(name, error)
            raise failure  # outside the block, so that no chained error comes along

        return task(
            name=name,
            retries=RETRIES,
            retry_delay_seconds=RETRY_SECONDS,
            retry_condition_fn=_may_pass,
            persist_result=False,
            result_serializer="json",
        )(guarded)

    return decorate


@step("klargør database")
def open_store(project: str) -> None:
    """Check the version of the store and upgrade it; refuse one made by a newer program."""
    store.connect(Project.open(project)).close()


@step("indlæs leverancer")
def load(project: str) -> int:
    """Load what is new in extracts/; return how many files that was."""
    log = get_run_logger()
    deliveries = pipeline.load(Project.open(project), None, log.info)
    for delivery in deliveries:
        status = STATUS[delivery.status]
        log.info("%s: %s, %s rækker, %s afvist", delivery.file, status, delivery.rows, in_words(delivery.rejected))
    return sum(delivery.status == "loaded" for delivery in deliveries)


@step("byg tabeller")
def build(project: str) -> int:
    """Build the models behind which something changed; return how many."""
    return pipeline.build(Project.open(project), get_run_logger().info)


@step("kontrollér data")
def check(project: str) -> int:
    """Check every table; return the number of warnings, raise when a critical rule does not hold."""
    from expectations import run

    log = get_run_logger()
    verdict = pipeline.check(Project.open(project), run.check, log.info)
    for finding in verdict.warnings:
        log.warning("%s: %s: %s af %s rækker", finding.table, finding.rule, in_words(finding.unexpected), finding.rows)
    return len(verdict.warnings)


@step("skriv datakvalitet")
def quality(project: str) -> str:
    """Write the report on the quality of data; return the name of its file."""
    from expectations import run
    from reports.write import write_quality

    light, path = pipeline.quality(Project.open(project), run.check, write_quality, get_run_logger().info)
    get_run_logger().info("Datakvalitet: %s (%s)", path.name, light)
    return path.name


@step("find specifikationer")
def find_specs(project: str) -> list[str]:
    """Return the names of the files in specs/, in order."""
    opened = Project.open(project)
    return sorted(path.relative_to(opened.root).as_posix() for path in opened.specs.glob("*.toml"))


@step("estimér")
def estimate(project: str, spec: str) -> str:
    """Answer one spec; return the id of its run."""
    return pipeline.estimate(Project.open(project), Path(spec), get_run_logger().info)


@step("frigiv resultater")
def release(project: str, run_id: str) -> list[str]:
    """Release a run; return it and the runs whose reports change with it."""
    return list(pipeline.release(Project.open(project), run_id, get_run_logger().info))


@step("skriv rapport")
def report(project: str, run_id: str) -> str:
    """Write the report of a released run; return the name of its file."""
    from reports.write import write_report

    path = pipeline.report(Project.open(project), run_id, write_report, get_run_logger().info)
    get_run_logger().info("Rapport: %s", path.name)
    return path.name
