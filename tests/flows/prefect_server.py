"""A real Prefect server as a process of its own, and what the scenario leaves behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evaluator.project import Project

STARTUP_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server answers, where it keeps its things, and the environment that leads a flow to it."""

    url: str
    home: Path
    environment: dict[str, str]

    def ask(self, path: str, question: dict | None = None) -> list | dict:
        """Return the server's answer to a POST."""
        body = json.dumps(question or {}).encode()
        request = urllib.request.Request(self.url + path, data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@dataclass(frozen=True, slots=True)
class Nights:
    """What the scenario left behind."""

    project: Project
    states: dict[str, dict]
    output: str


@contextmanager
def running_server(home: Path) -> Iterator[Server]:
    """Start a server with its home in `home`, wait until it is healthy, and end it for sure."""
    url = f"http://127.0.0.1:{_free_port()}/api"
    environment = {
        **os.environ,
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_UI_ENABLED": "false",
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
    }
    port = url.split(":")[2].split("/")[0]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until_healthy(process, url, home / "server.log")
        yield Server(url, home, environment)
    finally:
        _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(process: subprocess.Popen, url: str, log: Path) -> None:
    for _ in range(STARTUP_SECONDS):
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            with urllib.request.urlopen(url + "/health", timeout=5):
                return
        except OSError:
            time.sleep(1)
    raise TimeoutError(f"no healthy server within {STARTUP_SECONDS} seconds")


def _end(process: subprocess.Popen) -> None:
    """End the server and whatever it started."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], check=False, capture_output=True)
    else:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
