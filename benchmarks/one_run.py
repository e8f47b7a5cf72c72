"""One program on one panel in a process of its own; writes its answer to a file. Started by `benchmarks.peers`.

Cold is from the moment the parent started this process until the first answer: the interpreter, imports, reading the
file and the estimate. Warm is a second answer from the same frame in the same process. Memory is the highest of both.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.programs import PROGRAMS


def main() -> None:
    """Run the program that the arguments name."""
    options = argparse.ArgumentParser()
    options.add_argument("method")
    options.add_argument("program")
    options.add_argument("panel", type=Path)
    options.add_argument("answer", type=Path, help="where the answer goes, as JSON")
    options.add_argument("--covariates", nargs="*", default=())
    options.add_argument("--draws", type=int, default=0)
    options.add_argument("--started", type=float, required=True, help="time.monotonic() of the parent")
    options.add_argument("--patience", type=float, required=True, help="seconds above which there is no warm run")
    chosen = options.parse_args()
    warnings.filterwarnings("ignore")
    program = PROGRAMS[chosen.method, chosen.program]
    found: dict[str, Any] = {"version": metadata.version(program.package)}
    _write(chosen.answer, found)
    frame = program.read(chosen.panel, chosen.covariates)
    effect, error = program.answer(frame, chosen.covariates, chosen.draws)
    found |= {"cold": time.monotonic() - chosen.started, "effect": effect, "error": error}
    _write(chosen.answer, found)
    if found["cold"] < chosen.patience:
        begun = time.monotonic()
        program.answer(frame, chosen.covariates, chosen.draws)
        _write(chosen.answer, found | {"warm": time.monotonic() - begun})


def _write(answer: Path, found: dict[str, Any]) -> None:
    """Write what is known so far, so that a run that is ended leaves its version and its cold answer."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    answer.write_text(json.dumps(found | {"megabytes": peak}), encoding="utf-8")


if __name__ == "__main__":
    main()
