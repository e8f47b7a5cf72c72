"""Load a project in a child process that dies, or can be killed, on the way; and hash what a store holds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

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


def start(project: Project, point: str = "", file: str = "") -> subprocess.Popen[str]:
    """Start a child that says `ready` and loads; at `point` of `file`, when given, it kills itself with signal 9."""
    command = [sys.executable, "-m", "tests.faults.killed_load", str(project.root), point, file]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def hashes(project: Project) -> dict[str, tuple[int, int | None, int | None]]:
    """Return rows, sum and exclusive or of the row hashes of every raw table, and of the ledger without its clock."""
    with connect(project, read_only=True) as connection:
        found = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw' order by 1")
        result = {}
        for (table,) in found.fetchall():
            columns = "* exclude (loaded_at)" if table == "deliveries" else "*"
            rows = f"select hash(t) as h from (select {columns} from raw.{table}) as t"
            (values,) = connection.execute(f"select count(*), sum(h::hugeint), bit_xor(h) from ({rows})").fetchall()
            result[table] = values
        return result


def main(root: str, point: str, file: str) -> None:
    from evaluator.extracts.load import load

    def die(name: str, stage: str, rows: int) -> None:
        if (stage, name) == (point, file):
            os.kill(os.getpid(), signal.SIGKILL)

    project = Project.open(root)
    print("ready", flush=True)
    load(project, progress=die)


if __name__ == "__main__":
    main(*sys.argv[1:4])
