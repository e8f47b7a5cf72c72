"""A load that is killed with signal 9 leaves whole deliveries only, and loading again gives what a clean load gives."""

import os
import signal

import pytest

from evaluator.extracts.load import load
from evaluator.project import Project
from tests.faults.killed_load import POINTS, hashes, load_and_build, start, write_extracts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signal 9 exists on POSIX systems only")

# Deliveries are loaded in the order of their names: beskaeftigelse, personer, ydelser.
LEFT = {"inserting": ["beskaeftigelse"], "checked": ["beskaeftigelse"], "committed": ["beskaeftigelse", "personer"]}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    project = Project.create(tmp_path_factory.mktemp("clean") / "projekt")
    write_extracts(project, persons=50)
    load_and_build(project)
    return hashes(project)


@pytest.mark.parametrize("layout", ["project", "parquet_project"])
@pytest.mark.parametrize("point", POINTS)
def test_a_load_killed_at_this_point_is_mended_by_loading_again(clean, point, layout, request):
    project = request.getfixturevalue(layout)
    write_extracts(project, persons=50)
    child = start(project, point, "personer.csv")
    child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL
    left = hashes(project)
    assert left["raw.deliveries"][0] == len(LEFT[point])
    for table in ("beskaeftigelse", "personer", "ydelser"):
        assert left[f"raw.{table}"] == (clean[f"raw.{table}"] if table in LEFT[point] else (0, None, None))
    statuses = [delivery.status for delivery in load(project)]
    assert statuses == ["already_loaded"] * len(LEFT[point]) + ["loaded"] * (3 - len(LEFT[point]))
    load_and_build(project)
    assert hashes(project) == clean
