"""Kill a load with signal 9 at random moments, and compare what loading again gives with a clean load.

python -m tests.faults.campaign [--kills 30] [--persons 20000] [--seed 20170101]

Writes campaign.csv beside this file, one row per kill as it happens; a campaign that was stopped goes on where it
was, a finished one starts over. POSIX only. Ends with 1 when any rerun differs from the clean load.
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

from evaluator.extracts.load import load
from evaluator.project import Project
from tests.faults.killed_load import hashes, start, write_extracts

RESULT = Path(__file__).with_name("campaign.csv")
COLUMNS = ("kill", "seed", "persons", "after_ms", "was_killed", "deliveries_left", "equal_after_rerun")


def _finished(kills: int, seed: int, persons: int) -> list[dict[str, str]]:
    """Return the rows of an unfinished campaign with the same seed and size, or none."""
    if not RESULT.exists():
        return []
    with RESULT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    same = all((row["seed"], row["persons"]) == (str(seed), str(persons)) for row in rows)
    return rows if same and len(rows) < kills else []


def _clean_load(folder: Path, persons: int) -> tuple[dict, float]:
    """Return the hashes of a load that nobody disturbs, and the seconds from `ready` to its end."""
    project = Project.create(folder)
    write_extracts(project, persons)
    child = start(project)
    assert child.stdout is not None
    child.stdout.readline()
    began = time.monotonic()
    assert child.wait(timeout=600) == 0
    return hashes(project), time.monotonic() - began


def _kill(folder: Path, extracts: Path, after: float) -> tuple[bool, Project]:
    """Load in a child and kill it `after` seconds from its start; return whether it was still at work."""
    project = Project.create(folder)
    shutil.copytree(extracts, project.extracts, dirs_exist_ok=True)
    child = start(project)
    assert child.stdout is not None
    child.stdout.readline()
    try:
        child.wait(timeout=after)
    except subprocess.TimeoutExpired:
        child.kill()
    return child.wait() == -signal.SIGKILL, project


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20170101)
    options = parser.parse_args()
    done = _finished(options.kills, options.seed, options.persons)
    with tempfile.TemporaryDirectory() as scratch:
        clean, seconds = _clean_load(Path(scratch) / "clean", options.persons)
        if not done:
            RESULT.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
        for number in range(len(done) + 1, options.kills + 1):
            after = random.Random(f"{options.seed} {number}").uniform(0, seconds)
            was_killed, project = _kill(Path(scratch) / "kill", Path(scratch) / "clean" / "extracts", after)
            left = hashes(project)["deliveries"][0]
            load(project)
            equal = hashes(project) == clean
            shutil.rmtree(project.root)
            values = (number, options.seed, options.persons, round(after * 1000), was_killed, left, equal)
            with RESULT.open("a", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow(values)
            print(f"{number}/{options.kills}: {dict(zip(COLUMNS[3:], values[3:], strict=True))}", flush=True)
    with RESULT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    broken = sum(row["equal_after_rerun"] != "True" for row in rows)
    killed = sum(row["was_killed"] == "True" for row in rows)
    print(f"{len(rows)} kills, {killed} while loading: {broken} differ from a clean load after loading again")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
