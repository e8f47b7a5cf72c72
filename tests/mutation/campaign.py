"""Do the tests notice when inference is wrong? `python -m tests.mutation.campaign`.

Every mutant of the modules below is imported in a process of its own and the tests that run its function are run until
one fails. Verdicts are kept under `build/mutation`, so an interrupted campaign goes on where it stopped. A change of a
module starts its mutants anew; when tests changed, survivors are tried again and the killed are taken to stay killed
(`--fresh` tries all). `results.csv` has the counts, `survivors.csv` every mutant that no test noticed, with what was
judged of it. POSIX only (processes are forked).
"""

import argparse
import csv
import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "mutation"
RESULTS, SURVIVORS = (Path(__file__).with_name(name) for name in ("results.csv", "survivors.csv"))
TARGETS = (
    "evaluator/inference/*.py", "evaluator/estimators/contrasts.py", "evaluator/estimators/adjustment/group_sums.py",
    "evaluator/estimators/adjustment/regression.py",
)  # fmt: skip
TESTS = (
    "tests/unit/test_inference*.py", "tests/unit/test_placebo_sets.py", "tests/unit/test_group_time.py",
    "tests/unit/test_group_time_base.py", "tests/unit/test_group_time_adjusted.py",
)  # fmt: skip
HEAVY = ("numpy", "scipy.stats", "scipy.optimize", "polars", "pytest", "hypothesis", "_pytest.assertion.rewrite")
SECONDS = 90
Verdict = dict[str, str]


class _Served(MetaPathFinder, SourceLoader):
    """Serves one module from a text instead of its file."""

    def __init__(self, module: str, path: Path, source: str) -> None:
        self.module, self.path, self.source = module, str(path), source

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return spec_from_loader(name, self, origin=self.path) if name == self.module else None

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_data(self, path: str) -> bytes:
        return self.source.encode()

    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError("no bytecode of a mutant is kept")


class _Calls:
    """A pytest plugin that notes which functions of the targets each test runs, and how long the test takes."""

    def __init__(self, files: set[str]) -> None:
        self.files, self.found, self.seconds = files, defaultdict(set), {}

    def pytest_runtest_protocol(self, item: object, nextitem: object) -> None:
        self.now: set[str] = set()
        self.began = time.perf_counter()
        sys.setprofile(self._note)

    def pytest_runtest_logfinish(self, nodeid: str, location: object) -> None:
        sys.setprofile(None)
        self.seconds[nodeid] = time.perf_counter() - self.began
        for name in self.now:
            self.found[name].add(nodeid)

    def _note(self, frame: object, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename in self.files:  # type: ignore[attr-defined]
            self.now.add(f"{frame.f_code.co_filename}:{_outermost(frame.f_code.co_qualname)}")  # type: ignore[attr-defined]


def _outermost(name: str) -> str:
    """Return the function that holds a local function or comprehension."""
    return name.split(".<locals>")[0]


def _files(patterns: tuple[str, ...]) -> list[Path]:
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def _forked(work: object, seconds: float) -> int:
    """Return the exit code of `work` in a forked process, or -1 when it takes longer."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            os._exit(int(work()))  # type: ignore[operator]
        except BaseException:
            os._exit(1)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def _pytest(arguments: list[str], plugins: list[object] | None = None) -> int:
    import pytest

    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments], plugins=plugins or []))


def covering(tests: list[Path]) -> dict[str, list[str]]:
    """Return the tests that run each function of the targets, quickest first; under "" all of them."""
    note = BUILD / f"calls-{_digest([*tests, *_files(TARGETS)])}.json"

    def record() -> int:
        calls = _Calls({str(path) for path in _files(TARGETS)})
        code = _pytest([str(path) for path in tests], [calls])
        if code == 0:
            found = {name: sorted(ids, key=calls.seconds.__getitem__) for name, ids in calls.found.items()}
            found[""] = sorted(calls.seconds, key=calls.seconds.__getitem__)
            note.write_text(json.dumps(found), encoding="utf-8")
        return code

    if not note.exists() and _forked(record, 1800) != 0:
        raise SystemExit("the tests fail without a mutant; expected them to pass. Run them first.")
    return dict(json.loads(note.read_text(encoding="utf-8")))


class _Killer:
    """A pytest plugin that writes down the first test that fails."""

    def __init__(self, note: Path) -> None:
        self.note = note

    def pytest_runtest_logreport(self, report: object) -> None:
        if report.failed:  # type: ignore[attr-defined]
            self.note.write_text(report.nodeid, encoding="utf-8")  # type: ignore[attr-defined]


def judge(path: Path, mutant: Mutant, tests: list[str]) -> tuple[str, str]:
    """Return "killed", "timeout" or "survived", and the test that killed it where one did."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    note = BUILD / f"killer-{threading.get_ident()}.txt"
    note.unlink(missing_ok=True)

    def run() -> int:
        sys.meta_path.insert(0, _Served(module, path, mutant.source))
        return _pytest(tests, [_Killer(note)])

    code = _forked(run, SECONDS)
    return {0: "survived", -1: "timeout"}.get(code, "killed"), note.read_text("utf-8") if note.exists() else ""


def _tests_of(path: Path, mutant: Mutant, calls: dict[str, list[str]]) -> list[str]:
    """Return the tests that run the mutant's function; those of the whole module for what stands outside functions."""
    own = calls.get(f"{path}:{mutant.function}")
    if own is not None:
        return own
    order = {test: index for index, test in enumerate(calls[""])}
    inside = {test for name, tests in calls.items() if name.startswith(f"{path}:") for test in tests}
    return sorted(inside, key=order.__getitem__)


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def verdicts(path: Path, calls: dict[str, list[str]], tests: list[Path], options: argparse.Namespace) -> list[Verdict]:
    """Return a verdict for every mutant of a module, made or read; survivors of other tests are judged again."""
    note, by = BUILD / f"{path.stem}-{_digest([path])}.json", _digest(tests)
    kept = json.loads(note.read_text(encoding="utf-8")) if note.exists() and not options.fresh else {}
    made: list[Verdict] = []
    killers: dict[str, list[str]] = defaultdict(list)  # what killed a mutant of a function is likely to kill the next

    def one(place: tuple[int, Mutant]) -> Verdict:
        index, mutant = place
        old = kept.get(str(index))
        if old and (old["verdict"] != "survived" or old["tests"] == by):
            return dict(old)
        able = _tests_of(path, mutant, calls)
        known = [test for test in reversed(killers[mutant.function]) if test in able]
        chosen = [*known, *(test for test in able if test not in known)]
        verdict, killer = judge(path, mutant, chosen) if chosen else ("survived", "")
        if killer and killer not in killers[mutant.function]:
            killers[mutant.function].append(killer)
        where = str(path.relative_to(ROOT))
        return {"file": where, "function": mutant.function, "change": mutant.change, "verdict": verdict, "tests": by}

    with ThreadPoolExecutor(options.workers) as pool:
        for index, verdict in enumerate(pool.map(one, enumerate(mutants(path.read_text(encoding="utf-8"))))):
            made.append(verdict)
            kept[str(index)] = verdict
            note.write_text(json.dumps(kept), encoding="utf-8")
    return made


def _rows(table: Path) -> list[Verdict]:
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines())) if table.exists() else []


def _write(found: list[Verdict]) -> None:
    """Write both tables; modules that were not tried keep their rows, those that are gone lose them."""
    tried = {verdict["file"] for verdict in found}
    known = {str(path.relative_to(ROOT)) for path in _files(TARGETS)} - tried
    counts = {r["file"]: (int(r["mutants"]), int(r["killed"])) for r in _rows(RESULTS) if r["file"] in known}
    for name in tried:
        noticed = [verdict["verdict"] != "survived" for verdict in found if verdict["file"] == name]
        counts[name] = (len(noticed), sum(noticed))
    total = tuple(sum(column) for column in zip(*counts.values(), strict=True))
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("file", "mutants", "killed", "survived", "killed_percent"))
        for name, (number, killed) in [*sorted(counts.items()), ("all", total)]:
            table.writerow((name, number, killed, number - killed, f"{100 * killed / number:.1f}"))
    kept = _rows(SURVIVORS)
    judged = {(r["file"], r["function"], r["change"]): r["judgement"] for r in kept}
    survived = [verdict for verdict in found if verdict["verdict"] == "survived"]
    rows = [(v["file"], v["function"], v["change"]) for v in [*(r for r in kept if r["file"] in known), *survived]]
    with SURVIVORS.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("file", "function", "change", "judgement"))
        table.writerows((*row, judged.get(row, "")) for row in sorted(rows, key=lambda row: row[0]))


def main() -> None:
    """Run the campaign and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--file", action="append", help="only modules with this name; the others keep their rows")
    parser.add_argument("--fresh", action="store_true", help="try the killed again too")
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    for name in HEAVY:
        __import__(name)
    tests = _files(TESTS)
    calls = covering(tests)
    found: list[Verdict] = []
    for path in _files(TARGETS):
        if options.file is None or path.stem in options.file:
            part = verdicts(path, calls, tests, options)
            killed = sum(verdict["verdict"] != "survived" for verdict in part)
            print(f"{path.relative_to(ROOT)}: {killed} of {len(part)} killed", flush=True)
            found += part
            _write(found)
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
