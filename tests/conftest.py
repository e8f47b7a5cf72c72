"""Fixtures that every test may use, and the count of tests that had to be left out for want of reference data."""

from __future__ import annotations

import os
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


def pytest_terminal_summary(terminalreporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if NO_SHARED in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests left out: {NO_SHARED} (set EVALUATOR_SHARED)", yellow=True)
