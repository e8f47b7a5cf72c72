"""The whole main job with the network off: no person in anything that is written outside the store."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PERSON = re.compile(rb"P\d{7}")
PLANTED = "Zanzibarkursus-4711"
SEALED = """
import socket, sys

def refuse(*_, **__):
    print("the network was asked for", flush=True)
    raise OSError("the network is off")

for name in ("connect", "connect_ex", "sendto", "sendmsg"):
    setattr(socket.socket, name, refuse)
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refuse

from evaluator.cli import main

for line in sys.stdin.read().splitlines():
    words = line.split("\\t")
    if main(words) != 0:
        sys.exit("stopped at: " + " ".join(words))
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the run left: its project, the folder of temporary files and the home folder, and its output."""

    project: Path
    scratch: Path
    home: Path
    output: str
    code: int

    def written(self) -> dict[str, bytes]:
        """Return everything written outside the store and the extracts, and what was printed."""
        found = {"output": self.output.encode()}
        for folder in (self.project, self.scratch, self.home):
            for path in folder.rglob("*"):
                inside = path.relative_to(folder).parts[0] if folder == self.project else ""
                if path.is_file() and inside not in ("store", "extracts"):
                    found[str(path)] = path.read_bytes()
                found[f"name of {path}"] = path.name.encode()
        return found


def plant(project: Path) -> None:
    """Write a distinctive text into a column that no outcome is made of."""
    path = project / "extracts" / "uddannelse.csv"
    header, first, *rest = path.read_text(encoding="utf-8").splitlines()
    cells = first.split(";")
    cells[header.split(";").index("uddannelsesart")] = PLANTED
    path.write_text("\n".join([header, ";".join(cells), *rest]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """Run the main job on the example register with planted text, without network, with folders of its own."""
    from evaluator.project import Project

    base = tmp_path_factory.mktemp("forseglet")
    scratch, home = base / "tmp", base / "home"
    scratch.mkdir(), home.mkdir()
    project = Project.create(base / "projekt", example=True)
    plant(project.root)
    commands = [
        ["load"],
        ["build"],
        ["check"],
        ["quality"],
        ["plan", "horsens"],
        ["run", "horsens"],
        ["run", "sanktioner"],
        ["report", "horsens"],
        ["runs"],
        ["show", "horsens"],
        ["show", "sanktioner", "--json"],
        ["why", "stg_education"],
        ["doctor"],
    ]
    typed = "\n".join("\t".join([*words, "--project", str(project.root)]) for words in commands)
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    environment |= {"XDG_CACHE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    environment.pop("GX_ANALYTICS_ENABLED", None)
    done = subprocess.run(
        [sys.executable, "-c", SEALED],
        input=typed,
        cwd=base,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )
    return Sealed(project.root, scratch, home, done.stdout + done.stderr, done.returncode)


def test_the_whole_job_runs_with_the_network_off(sealed: Sealed) -> None:
    assert sealed.code == 0, sealed.output[-2000:]
    assert "the network was asked for" not in sealed.output
    assert len(list((sealed.project / "reports").glob("*.html"))) == 3


def test_the_planted_text_is_in_the_store(sealed: Sealed) -> None:
    from evaluator.project import Project
    from evaluator.store import connect

    with connect(Project.open(sealed.project), read_only=True) as connection:
        query = "select count(*) from staging.stg_education where education_type = ?"
        assert connection.execute(query, [PLANTED]).fetchall() == [(1,)]


def test_no_person_and_no_planted_text_stands_in_anything_written(sealed: Sealed) -> None:
    written = sealed.written()
    assert any(name.endswith(".html") for name in written)
    assert any(name.endswith(".json") for name in written)
    assert [name for name, content in written.items() if PERSON.search(content)] == []
    for form in (PLANTED.encode(), PLANTED.encode("utf-16-le"), PLANTED.split("-")[0].lower().encode()):
        assert [name for name, content in written.items() if form in content] == []


def test_a_report_fetches_nothing_and_runs_no_script(sealed: Sealed) -> None:
    for report in (sealed.project / "reports").glob("*.html"):
        text = report.read_text(encoding="utf-8")
        assert not re.search(r"<script|<link|<iframe|<img[^>]+src=.(?!data:)|@import|url\((?!.?(data:|#))", text)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)


def test_a_reports_json_holds_municipalities_and_no_lower_unit(sealed: Sealed) -> None:
    for path in (sealed.project / "reports").glob("*.json"):
        tables = json.loads(path.read_text(encoding="utf-8"))["tables"]
        names = {column for rows in tables.values() for row in rows for column in row}
        assert not names & {"person_id", "pnr_pseudo", "caseworker_id", "sagsbehandler_id", "team"}


def test_great_expectations_leaves_no_folder_and_no_account_of_itself(sealed: Sealed) -> None:
    names = [path.name for folder in (sealed.project, sealed.scratch, sealed.home) for path in folder.rglob("*")]
    assert [name for name in names if "great_expectations" in name or name in ("gx", ".great_expectations")] == []


@pytest.mark.skipif(os.name != "posix", reason="file modes exist on POSIX systems only")
def test_only_the_owner_may_read_the_store_after_a_run(sealed: Sealed) -> None:
    store = sealed.project / "store"
    assert store.stat().st_mode & 0o777 == 0o700
    files = [path for path in store.rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []
