"""The flows against a real server: what they answer, what they say when they fail, and what they never write."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prefect_server import Nights, Server

from evaluator.store import connect

PERSON = re.compile(rb"P\d{7}")
ROOT = Path(__file__).parents[2]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_refused_file_fails_the_run_and_leaves_a_notice(nights: Nights) -> None:
    night = nights.states["refused"]
    assert night["state"] == "FAILED"
    assert "ydelser.csv" in night["message"]
    assert [name for name in night["reports"] if name.startswith("FEJL-evaluate-")] == night["reports"]


def test_the_notice_says_in_danish_what_happened_and_what_to_do(nights: Nights) -> None:
    (notice,) = nights.project.reports.glob("FEJL-*.txt")
    text = notice.read_text(encoding="utf-8")
    assert "En fil i extracts/ blev afvist" in text
    assert "Ret filen eller bed om en ny" in text
    assert "Programmets egen besked: ydelser.csv" in text


def test_the_corrected_file_completes_the_run_with_a_report(nights: Nights) -> None:
    night = nights.states["corrected"]
    assert night["state"] == "COMPLETED"
    assert [name for name in night["reports"] if name.endswith(".html")]


def test_what_was_loaded_before_the_refusal_is_loaded_once(nights: Nights) -> None:
    with connect(nights.project, read_only=True) as connection:
        deliveries = connection.execute("select file, count(*) from raw.deliveries group by file").fetchall()
    assert {file for file, _ in deliveries} == {path.name for path in nights.project.extracts.glob("*.csv")}
    assert all(times == 1 for _, times in deliveries)


def test_a_night_without_news_completes_and_writes_the_same_report_and_the_quality_of_data(nights: Nights) -> None:
    assert nights.states["no news"]["state"] == "COMPLETED"
    quality = ["datakvalitet.html", "datakvalitet.json"]
    assert nights.states["no news"]["reports"] == sorted([*nights.states["corrected"]["reports"], *quality])


def test_the_server_has_the_same_states(server: Server, nights: Nights) -> None:
    runs = server.ask("/flow_runs/filter", {"flows": {"name": {"any_": ["evaluate", "nightly"]}}})
    assert sorted(run["state"]["type"] for run in runs) == ["COMPLETED", "COMPLETED", "FAILED"]


def test_no_person_stands_in_the_server_the_logs_or_the_reports(server: Server, nights: Nights) -> None:
    planted = PERSON.findall((nights.project.extracts / "personer.csv").read_bytes())
    assert len(planted) > 1000
    written = {str(path): path.read_bytes() for path in _files(server.home) + _files(nights.project.reports)}
    written["output of the flows"] = nights.output.encode()
    assert any(name.endswith("prefect.db") for name in written)
    assert [name for name, content in written.items() if PERSON.search(content)] == []


def test_prefect_keeps_no_result_but_the_error_of_a_failed_run_and_that_as_text(server: Server, nights: Nights) -> None:
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in _files(server.home / "storage")]
    assert [record["__exc_type__"] for record in kept] == ["evaluator.errors.ExtractError"]


@pytest.mark.parametrize(
    ("deployment", "cron", "parameters"),
    [
        ("natlig", "30 3 * * *", {"project": "projektet"}),
        ("maanedlig", "0 5 2 * *", {"project": "projektet", "spec": "specs/horsens.toml"}),
    ],
)
def test_a_deployment_runs_by_the_clock_of_copenhagen(
    deployment: str, cron: str, parameters: dict[str, str], deployed: dict[str, dict]
) -> None:
    (schedule,) = deployed[deployment]["schedules"]
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == (cron, "Europe/Copenhagen")
    assert deployed[deployment]["parameters"] == parameters


@pytest.fixture(scope="module")
def deployed(server: Server) -> dict[str, dict]:
    """Return the deployments of prefect.yaml as the server knows them."""
    named = {"EVALUATOR_PROJECT": "projektet", "EVALUATOR_SPEC": "specs/horsens.toml"}
    for command in (
        ["work-pool", "create", "evaluering", "--type", "process"],
        ["deploy", "--all", "--prefect-file", str(ROOT / "prefect.yaml")],
    ):
        subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *command],
            cwd=ROOT,
            env={**os.environ, **server.environment, **named},
            check=True,
            capture_output=True,
            timeout=120,
        )
    return {deployment["name"]: deployment for deployment in server.ask("/deployments/filter")}
