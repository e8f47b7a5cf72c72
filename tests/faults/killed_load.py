"""Load and build in a child process that dies, can be killed, or runs out of disk; hash what a store holds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from evaluator import pipeline
from evaluator.errors import EvaluatorError
from evaluator.extracts.load import Progress, load
from evaluator.project import Project
from evaluator.store import connect

ROOT = Path(__file__).resolve().parents[2]
POINTS = ("inserting", "checked", "committed")


def write_extracts(project: Project, persons: int, seed: int = 20170101) -> None:
    """Write three extracts that take a while to load."""
    draw = random.Random(seed)
    spells, hours, people = [], [], []
    for number in range(persons):
        person = f"P{number:07d}"
        people.append(f"{person};{1960 + number % 40};K;dansk;grundskole;0;1;{(615, 740)[number % 2]};;")
        for month in range(1, 13):
            spells.append(f"{person};2016-{month:02d}-01;2016-{month:02d}-{draw.randint(2, 28):02d};730;615")
            hours.append(f"{person};2016-{month:02d};{draw.randint(0, 160)},5;{draw.randint(0, 30000)},00;561010")
    _write(
        project,
        "personer",
        "pnr_pseudo;foedselsaar;koen;oprindelse;udd_niveau;boern;enlig;kommunekode;udgaaet_dato;udgaaet_kode",
        people,
    )
    _write(project, "ydelser", "pnr_pseudo;fra;til;ydelseskode;myndighedskode", spells)
    _write(project, "beskaeftigelse", "pnr_pseudo;maaned;timer;loen;branche", hours)


def _write(project: Project, name: str, header: str, lines: list[str]) -> None:
    (project.extracts / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def start(project: Project, point: str = "", file: str = "", most_bytes: int = 0) -> subprocess.Popen[str]:
    """Start a child that says `ready`, loads and builds; at `point` of `file`, when given, it kills itself.

    No file that it writes can grow over `most_bytes`, when given: the system then says that the disk is full.
    """
    command = [sys.executable, "-m", "tests.faults.killed_load", str(project.root), point, file, str(most_bytes)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def load_and_build(project: Project, progress: Progress | None = None) -> None:
    """Do what is left to do, as the pipeline does."""
    load(project, progress=progress)
    pipeline.build(project)


def hashes(project: Project) -> dict[str, tuple[int, int | None, int | None]]:
    """Return rows, sum and exclusive or of the row hashes of every raw, staging and mart table, without clocks."""
    with connect(project, read_only=True) as connection:
        found = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema in ('raw', 'staging', 'marts') order by 1"
        )
        result = {}
        for (table,) in found.fetchall():
            columns = "* exclude (loaded_at)" if table == "raw.deliveries" else "*"
            rows = f"select hash(t) as h from (select {columns} from {table}) as t"
            (values,) = connection.execute(f"select count(*), sum(h::hugeint), bit_xor(h) from ({rows})").fetchall()
            result[table] = values
        return result


def main(root: str, point: str, file: str, most_bytes: str) -> None:
    def die(name: str, stage: str, rows: int) -> None:
        if (stage, name) == (point, file):
            os.kill(os.getpid(), signal.SIGKILL)

    project = Project.open(root)
    if int(most_bytes):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most_bytes), int(most_bytes)))
    print("ready", flush=True)
    try:
        load_and_build(project, progress=die)
    except EvaluatorError as problem:
        sys.exit(f"refused: {problem}")


if __name__ == "__main__":
    main(*sys.argv[1:5])
