"""A disk that fills up while a load or a build writes: the store stays as it was, and with room it is completed."""

import os

import pytest

from evaluator.project import Project
from tests.faults.killed_load import hashes, load_and_build, start, write_extracts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a limit on the size of files exists on POSIX systems only")

PERSONS = 3000
KILOBYTES = (0, 1000, 2500, 4000, 5500)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return hashes(Project.create(tmp_path_factory.mktemp("empty") / "projekt"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    project = Project.create(tmp_path_factory.mktemp("clean") / "projekt")
    write_extracts(project, PERSONS)
    load_and_build(project)
    return hashes(project)


@pytest.mark.parametrize(("layout", "more"), [*(("project", more) for more in KILOBYTES), ("parquet_project", 0)])
def test_a_full_disk_leaves_whole_tables_and_what_is_missing_can_be_made(clean, empty, layout, more, request):
    project = request.getfixturevalue(layout)
    write_extracts(project, PERSONS)
    hashes(project)
    child = start(project, most_bytes=project.database.stat().st_size + more * 1000)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 1
    assert said.startswith("refused: ")
    assert "P0000" not in said
    left = hashes(project)
    assert all(left[table] in (clean[table], empty.get(table)) for table in left if table != "raw.deliveries")
    load_and_build(project)
    assert hashes(project) == clean
