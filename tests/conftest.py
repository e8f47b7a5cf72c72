"""Fixtures that every test may use, and the count of tests that had to be left out for want of reference data."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NO_SHARED = "reference data not found"

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with reference data: EVALUATOR_SHARED, or `shared` beside the repository."""
    folder = Path(os.environ.get("EVALUATOR_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"{NO_SHARED}: {folder} is no folder; set EVALUATOR_SHARED to where it lies")
    return folder


@pytest.fixture
def project(tmp_path: Path):
    """An empty project."""
    from evaluator.project import Project

    return Project.create(tmp_path / "projekt")


def _partitioned(project):
    """Return the project with rows of persons in Parquet files by municipality, from the next time its store opens."""
    from evaluator.project import SETTINGS_FILE, Project

    settings = project.root / SETTINGS_FILE
    text = settings.read_text(encoding="utf-8").replace('layout = "database"', 'layout = "parquet" ')
    settings.write_text(text, encoding="utf-8")
    return Project.open(project.root)


@pytest.fixture
def parquet_project(project):
    """An empty project with rows of persons in Parquet files by municipality."""
    return _partitioned(project)


@pytest.fixture(scope="session")
def partitioned():
    """What gives a project the layout of files by municipality."""
    return _partitioned


@pytest.fixture(scope="session")
def built_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the example project, loaded, built and checked once. Never change it: ask for `example_project`."""
    from evaluator import pipeline
    from evaluator.project import Project
    from expectations.run import check

    project = Project.create(tmp_path_factory.mktemp("built") / "eksempel", example=True)
    pipeline.prepare(project, check)
    return project.root


@pytest.fixture
def example_project(built_example: Path, tmp_path: Path):
    """The example project, loaded, built and checked: a copy of its own for each test."""
    from evaluator.project import Project

    return Project.open(shutil.copytree(built_example, tmp_path / "eksempel"))


@pytest.fixture(scope="session")
def answered_example(built_example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the example project with `horsens` and `sanktioner` run. Never change it: ask for `answered`."""
    from evaluator import pipeline
    from evaluator.project import Project
    from expectations.run import check
    from reports import write_report

    folder = tmp_path_factory.mktemp("answered") / "eksempel"
    project = Project.open(shutil.copytree(built_example, folder))
    for name in ("horsens", "sanktioner"):
        pipeline.run(project, project.specs / f"{name}.toml", check, write_report)
    return project.root


@pytest.fixture
def answered(answered_example: Path, tmp_path: Path):
    """The example project with two runs behind it: a copy of its own for each test."""
    from evaluator.project import Project

    return Project.open(shutil.copytree(answered_example, tmp_path / "besvaret"))


def pytest_terminal_summary(terminalreporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if NO_SHARED in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests left out: {NO_SHARED} (set EVALUATOR_SHARED)", yellow=True)
