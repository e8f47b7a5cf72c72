"""One real Prefect server for the session, and three runs of the flows against it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect_server import Nights, Server, running_server

from evaluator.project import Project

SCENARIO = Path(__file__).with_name("scenario.py")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("prefect")) as started:
        yield started


@pytest.fixture(scope="session")
def nights(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    project = Project.create(tmp_path_factory.mktemp("nights") / "project", example=True)
    for spec in project.specs.glob("*.toml"):
        if spec.stem != "sanktioner":
            spec.unlink()
    command = [sys.executable, str(SCENARIO), str(project.root)]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=900)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    return Nights(project, json.loads(done.stdout.splitlines()[-1]), output)
