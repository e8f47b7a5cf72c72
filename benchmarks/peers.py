"""Ours, the floor and the peers on the same panels and machine: `python -m benchmarks.peers`; see `make bench`.

Each row is a program on a panel, in a process of its own, three times over; a process that takes long is run once and
not asked for a warm answer, and one that passes its limit of time or memory is ended and says so. Programs choose
their own number of threads. An interrupted run goes on where it was; `--fresh` starts over. Every effect and clustered
error is compared with ours, and a row that differs says why: an unexplained difference makes the run fail.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import panels
from benchmarks.programs import LACKING
from benchmarks.table import TABLE, written

DONE = panels.FOLDER / "runs.jsonl"
ENVIRONMENTS = {"ours": ".venv", "floor": ".venv", "differences": "build/differences"}  # others: build/peers
REPEATS = 3
PATIENCE = 40.0  # seconds of a cold run above which a program is not repeated and not asked for a warm answer
MEGABYTES = 12_000  # resident memory at which a program is ended
NOTHING = {"cold": None, "warm": None, "megabytes": None, "effect": None, "error": None, "version": ""}
TOO_MUCH = "ended on a smaller panel; not tried"
PEERS = ("csdid", "diff-diff", "moderndid", "differences")
MODELS = ("ours", "diff-diff", "pyfixest")


@dataclass(frozen=True, slots=True)
class Task:
    """One question on one panel, and who is asked."""

    method: str
    persons: int
    programs: tuple[str, ...]
    seconds: float  # after which a program is ended
    covariates: tuple[str, ...] = ()
    draws: int = 0


def tasks(largest: int) -> tuple[Task, ...]:
    """Return the tasks on panels of at most `largest` persons."""
    adjusted: dict[str, Any] = {"covariates": panels.NAMES, "draws": 999}
    every = (
        Task("group_time", 10_000, ("ours", "floor"), 60),
        Task("group_time", 10_000, ("ours", "floor"), 60, **adjusted),
        Task("group_time", 100_000, ("ours", "floor", *PEERS, "pyfixest"), 90),
        Task("group_time", 100_000, ("ours", "floor", *PEERS, "pyfixest"), 90, **adjusted),
        Task("imputation", 10_000, MODELS, 60),
        Task("saturated", 10_000, MODELS, 60),
        Task("two_way", 10_000, (*MODELS, "linearmodels"), 60),
        Task("imputation", 100_000, MODELS, 60),
        Task("saturated", 100_000, MODELS, 60),
        Task("two_way", 100_000, (*MODELS, "linearmodels"), 60),
        Task("group_time", 1_000_000, ("ours", "floor", *PEERS), 120),
        Task("group_time", 1_000_000, ("ours", "floor", *PEERS), 120, **adjusted),
    )
    return tuple(task for task in every if task.persons <= largest)


def runs(chosen: tuple[Task, ...], repeats: int) -> Iterator[dict[str, Any]]:
    """Run what is not yet done and yield every run; repeats take turns, so that a slow minute hits all programs."""
    done = [json.loads(line) for line in DONE.read_text(encoding="utf-8").splitlines()] if DONE.exists() else []
    known = {(run["key"], run["repeat"]): run for run in done}
    ended: set[tuple[str, int, str]] = set()  # what was too much for a program is not tried again on a larger panel
    for task in chosen:
        tired: set[str] = set()
        for repeat in range(repeats):
            for program in task.programs:
                key = f"{task.method} {task.persons} {len(task.covariates)} {task.draws} {program}"
                kind = (task.method, len(task.covariates), program)
                if program in tired:
                    continue
                found = known.get((key, repeat)) or {"key": key, "repeat": repeat, **_identity(task, program)}
                if "note" not in found:
                    found |= NOTHING | {"note": TOO_MUCH} if kind in ended else _run(task, program)
                    with DONE.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(found) + "\n")
                    _say(found)
                if found["effect"] is None or found["note"] or found["cold"] > PATIENCE:
                    tired.add(program)
                if found["note"].startswith("ended"):
                    ended.add(kind)
                yield found


def _identity(task: Task, program: str) -> dict[str, Any]:
    return {
        "method": task.method,
        "persons": task.persons,
        "covariates": len(task.covariates),
        "draws": task.draws,
        "program": program,
    }


def _run(task: Task, program: str) -> dict[str, Any]:
    """Return the answer of one process, or the reason that there is none in `note`."""
    if (task.method, program) in LACKING:
        return NOTHING | {"note": LACKING[task.method, program]}
    answer = panels.FOLDER / "answer.json"
    answer.unlink(missing_ok=True)
    panel = panels.path(task.persons)
    python = Path(ENVIRONMENTS.get(program, "build/peers")) / "bin" / "python"
    command = [str(python), "-m", "benchmarks.one_run", task.method, program, str(panel), str(answer)]
    command += ["--draws", str(task.draws), "--patience", str(PATIENCE), "--covariates", *task.covariates]
    with (panels.FOLDER / "output.txt").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, "--started", str(time.monotonic())], stdout=output, stderr=output, start_new_session=True
        )
        note = _watched(process, task.seconds)
    found = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else {}
    if note and "effect" in found:
        note = f"warm run {note}"
    if not note and "effect" not in found:
        said = (panels.FOLDER / "output.txt").read_text(encoding="utf-8").strip().splitlines()
        note = f"stopped: {said[-1][:120] if said else 'it said nothing'}"
    return NOTHING | found | {"note": note}


def _watched(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Wait for the process; end it and its children at its limits and say which one it passed."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        used = _megabytes(process.pid)
        late = time.monotonic() > deadline
        if late or used > MEGABYTES:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"ended after {seconds:.0f} s" if late else f"ended above {MEGABYTES:,} MB"
        time.sleep(0.05)
    return ""


def _megabytes(process: int) -> int:
    """Return the resident memory of a process; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)


def _say(run: dict[str, Any]) -> None:
    seconds = "".join(f"{name} {run[name]:8.3f} s  " for name in ("cold", "warm") if run[name] is not None)
    effect = "" if run["effect"] is None else f"{run['megabytes']:>6} MB  {run['effect']:.9f} ({run['error']:.9f})"
    print(f"{run['key']:<48}{seconds}{effect}{run['note']}", file=sys.stderr, flush=True)


def main() -> None:
    """Run every task and write the table; exit with 1 if an answer differs from ours and no reason is known."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--fresh", action="store_true", help="forget an interrupted run")
    options.add_argument("--largest", type=int, default=1_000_000, metavar="PERSONS")
    options.add_argument("--repeats", type=int, default=REPEATS)
    options.add_argument("--table", type=Path, default=TABLE)
    chosen = options.parse_args()
    if chosen.fresh:
        DONE.unlink(missing_ok=True)
    rows = written(list(runs(tasks(chosen.largest), chosen.repeats)), chosen.table)
    DONE.unlink()
    unexplained = [row for row in rows if row["agreement"].startswith("differs")]
    for row in unexplained:
        print(f"{row['program']} differs from ours and no reason is known: {row}", file=sys.stderr)
    sys.exit(1 if unexplained else 0)


if __name__ == "__main__":
    main()
