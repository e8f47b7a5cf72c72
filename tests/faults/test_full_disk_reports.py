"""A disk that fills up while a report is released or written, or something fetched: what was there before stays."""

import contextlib
import json
import os
import signal

import pytest

from evaluator.cli import main
from evaluator.connectors.landing import CACHE, Provenance, cached, land
from evaluator.evaluation.show import as_json
from evaluator.results import find_run
from evaluator.store import connect
from reports import write_report

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a limit on the size of files exists on POSIX systems only")

SOURCE = Provenance("Udgiver", "AUK01", "a" * 64, "2026-11-28", "CC BY 4.0")
HEADER = ("kommunekode", "periode", "fuldtid")
ROWS = [["615", f"2016K{quarter}", "3,5"] for quarter in range(1, 5)]


@contextlib.contextmanager
def most_bytes(number):
    """Let no file grow over so many bytes: the system then says that the disk is full."""
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    told = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
        signal.signal(signal.SIGXFSZ, told)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def released(project):
    with connect(project) as connection:
        return as_json(connection, find_run(connection, "horsens"))


@pytest.mark.parametrize("kilobytes", [2, 30])
def test_a_release_that_finds_no_room_leaves_numbers_and_report(answered, capsys, kilobytes):
    before, told = files(answered.reports), released(answered)
    with most_bytes(kilobytes * 1000):
        assert main(["report", "horsens", "--project", str(answered.root)]) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("evaluator: store: the disk did not take what was to be written; expected room on it")
    assert "Make room, and run the command again" in message
    assert files(answered.reports) == before
    assert released(answered) == told
    assert main(["report", "horsens", "--project", str(answered.root)]) == 0
    assert files(answered.reports) == before


def test_a_page_that_finds_no_room_leaves_the_earlier_page_and_its_json(answered):
    before = files(answered.reports)
    with connect(answered) as connection:
        run_id = find_run(connection, "horsens")
    [page] = [len(data) for name, data in before.items() if name.startswith("horsens") and name.endswith(".html")]
    for path in answered.reports.glob("horsens*.json"):
        path.write_bytes(b"{}")
    earlier = files(answered.reports)
    with most_bytes(page - 1), pytest.raises(OSError, match="File too large"):
        write_report(answered, run_id)
    assert files(answered.reports) == earlier
    write_report(answered, run_id)
    assert files(answered.reports) == before


def test_a_page_that_finds_no_room_says_what_to_do(answered, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = files(answered.reports)
    monkeypatch.setattr("reports.write.write_whole", full)
    assert main(["report", "horsens", "--project", str(answered.root)]) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("evaluator: report: a file or folder cannot be used (OSError);")
    assert message.endswith("the room on the disk; what was written before is as it was.")
    assert files(answered.reports) == before


def test_a_fetch_that_finds_no_room_leaves_the_earlier_delivery_with_its_source(project):
    land(project, HEADER, ROWS, SOURCE)
    before = files(project.extracts)
    assert [json.loads(data)["table"] for name, data in before.items() if name.endswith(".json")] == ["AUK01"]
    with most_bytes(1000), pytest.raises(OSError, match="File too large"):
        land(project, HEADER, ROWS * 100, SOURCE)
    assert files(project.extracts) == before


def test_an_answer_that_finds_no_room_leaves_the_kept_one(project):
    query = {"table": "AUK01"}
    first = cached(project, query, lambda: b"1;2;3", False)
    kept = files(project.store / CACHE)
    with most_bytes(1000), pytest.raises(OSError, match="File too large"):
        cached(project, query, lambda: b"4;5;6" * 1000, True)
    assert files(project.store / CACHE) == kept
    assert cached(project, query, lambda: b"not asked", False) == first
