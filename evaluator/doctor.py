"""What `evaluator doctor` looks at: the installation, the project and its store, in plain words."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from evaluator.errors import EvaluatorError

PACKAGES = ("duckdb", "polars", "great-expectations", "prefect", "altair", "econml", "linearmodels", "statsmodels")
GIBIBYTE = 1024**3
FREE_BYTES_NEEDED = 2 * GIBIBYTE


def examine(folder: Path) -> Iterator[str]:
    """Yield one line per finding; a line that begins with `!` needs a hand."""
    yield f"Python {platform.python_version()} on {platform.system()}"
    for package in PACKAGES:
        try:
            yield f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            yield f"! {package} is not installed; install from requirements.lock"
    there = next(place for place in (folder.resolve(), *folder.resolve().parents) if place.exists())
    free = shutil.disk_usage(there).free
    yield f"{'' if free >= FREE_BYTES_NEEDED else '! '}{free / GIBIBYTE:.1f} GiB free on the disk of the project"
    yield from _project(folder)


def _project(folder: Path) -> Iterator[str]:
    from evaluator import results
    from evaluator.project import Project
    from evaluator.store import connect

    try:
        project = Project.open(folder)
        with connect(project) as connection:
            deliveries = connection.execute("select count(*) from raw.deliveries where replaced_by is null").fetchall()
            runs = len(results.runs(connection))
    except EvaluatorError as error:
        yield f"! {error}"
        return
    yield f"project {project.root.resolve().name}: {deliveries[0][0]} deliveries and {runs} runs in the store"
