"""Kill a load and build with signal 9 at random moments, and compare what doing it again gives with a clean one.

python -m tests.faults.campaign [--kills 200] [--persons 1000] [--seed 20170101]

Writes campaign.csv beside this file, one row per kill as it happens; a campaign that was stopped goes on where it
was, a finished one starts over. POSIX only. Ends with 1 when any rerun differs from the clean tables.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from evaluator.project import Project
from tests.faults.killed_load import hashes, load_and_build, start, write_extracts

RESULT = Path(__file__).with_name("campaign.csv")
COLUMNS = ("kill", "seed", "persons", "after_ms", "deliveries_left", "tables_left", "equal_after_rerun")


def _finished(kills: int, seed: int, persons: int) -> list[dict[str, str]]:
    """Return the rows of an unfinished campaign with the same seed and size, or none."""
    if not RESULT.exists():
        return []
    with RESULT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    same = all((row["seed"], row["persons"]) == (str(seed), str(persons)) for row in rows)
    return rows if same and len(rows) < kills else []


def _clean_load(folder: Path, persons: int) -> tuple[dict, float]:
    """Return the hashes of a load and build that nobody disturbs, and the seconds from `ready` to their end."""
    project = Project.create(folder)
    write_extracts(project, persons)
    child = start(project)
    assert child.stdout is not None
    child.stdout.readline()
    began = time.monotonic()
    assert child.wait(timeout=600) == 0
    return hashes(project), time.monotonic() - began


def _kill(scratch: Path, draw: random.Random, seconds: float) -> tuple[Project, float]:
    """Kill one at a random moment; return its project and the moment. One that had finished is tried again."""
    while True:
        project = Project.create(scratch / "kill")
        shutil.copytree(scratch / "clean" / "extracts", project.extracts, dirs_exist_ok=True)
        after = draw.uniform(0, seconds)
        child = start(project)
        assert child.stdout is not None
        child.stdout.readline()
        try:
            child.wait(timeout=after)
        except subprocess.TimeoutExpired:
            child.kill()
        if child.wait() == -signal.SIGKILL:
            return project, after
        shutil.rmtree(project.root)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--persons", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20170101)
    options = parser.parse_args()
    done = _finished(options.kills, options.seed, options.persons)
    with tempfile.TemporaryDirectory() as scratch:
        clean, seconds = _clean_load(Path(scratch) / "clean", options.persons)
        if not done:
            RESULT.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
        for number in range(len(done) + 1, options.kills + 1):
            draw = random.Random(f"{options.seed} {number}")
            project, after = _kill(Path(scratch), draw, seconds)
            left = hashes(project)
            built = sum(not table.startswith("raw.") for table in left)
            load_and_build(project)
            equal = hashes(project) == clean
            shutil.rmtree(project.root)
            values = (
                number,
                options.seed,
                options.persons,
                round(after * 1000),
                left["raw.deliveries"][0],
                built,
                equal,
            )
            with RESULT.open("a", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow(values)
            print(f"{number}/{options.kills}: {dict(zip(COLUMNS[3:], values[3:], strict=True))}", flush=True)
    with RESULT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    broken = sum(row["equal_after_rerun"] != "True" for row in rows)
    print(f"{len(rows)} loads and builds killed on the way: {broken} differ from a clean one when done again")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
