"""The digits a report may open do not depend on the order of rows, on ids, on how files are cut, or on threads."""

import itertools
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from evaluator import pipeline
from evaluator.estimators import GroupTime
from evaluator.extracts.contract import contracts
from evaluator.inference import estimates
from evaluator.project import Project
from evaluator.registers import write_register
from evaluator.release import COLUMNS
from evaluator.store import connect
from evaluator.vocabulary import NEVER, Sections

PERSONS, SEED = 4_000, 5
PERSON = re.compile(r"\bP(\d{7})\b")
ABOUT_FILES = ("deliveries",)  # file names, hashes and rows per file: not results
VARYING = ("run_id", "created_at", "extract_hash", "run_at")
SHORT_SPEC = (
    (re.compile(r"(?ms)^\[\[outcome\]\]\nname\s+= \"(?!job\")\w+\".*?(?=^\[)"), ""),
    (re.compile(r"(?m)^who_gains.*$"), ""),
)
Lines = list[str]


def shuffled_and_renamed(name: str, header: str, lines: Lines) -> dict[str, Lines]:
    """Give every person another id, in another order, and shuffle the rows."""
    random.Random(name).shuffle(lines)
    return {name: [header, *(PERSON.sub(lambda m: f"Q{(int(m[1]) * 7919) % 9_999_991:07d}", line) for line in lines)]}


def cut_in_three(name: str, header: str, lines: Lines) -> dict[str, Lines]:
    """Cut what has a date or month into three files at ends of years; the rest stays whole."""
    periods = {contract.name: contract.period for contract in contracts()}
    period = periods.get(name, "kvartal")  # fuldtidsansatte is a series of kommunepanel, as Statistics Denmark names it
    if not period:
        return {name: [header, *lines]}
    at = header.split(";").index(period)
    year = [int(line.split(";")[at][:4]) for line in lines]
    ends = (0, 2014, 2017, 9999)
    parts = ([x for x, y in zip(lines, year, strict=True) if a < y <= b] for a, b in itertools.pairwise(ends))
    return {f"{name}-{number}": [header, *part] for number, part in enumerate(parts) if part}


def as_delivered(name: str, header: str, lines: Lines) -> dict[str, Lines]:
    return {name: [header, *lines]}


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("register")
    write_register(folder, persons=PERSONS, seed=SEED)
    return folder


def published(extracts: Path, folder: Path, change: Callable[..., dict[str, Lines]], threads: int) -> dict[str, list]:
    """Return every released table after a run on the changed extracts."""
    project = Project.create(folder / f"{change.__name__}-{threads}", example=True)
    for file in project.extracts.glob("*.csv"):
        file.unlink()
    for file in extracts.glob("*.csv"):
        header, *lines = file.read_text(encoding="utf-8").splitlines()
        for name, changed in change(file.stem, header, lines).items():
            (project.extracts / f"{name}.csv").write_text("\n".join(changed) + "\n", encoding="utf-8")
    settings = project.root / "evaluator.toml"
    text = re.sub(r"(?m)^threads\s*=\s*\d+", f"threads = {threads}", settings.read_text(encoding="utf-8"))
    settings.write_text(text, encoding="utf-8")
    project = Project.open(project.root)
    assert project.settings.threads == threads
    spec = project.specs / "trappe.toml"
    text = spec.read_text(encoding="utf-8")
    for pattern, new in SHORT_SPEC:
        text = pattern.sub(new, text)
    spec.write_text(text, encoding="utf-8")
    with threadpool_limits(limits=threads):
        pipeline.load(project)
        pipeline.build(project)
        run_id = pipeline.estimate(project, spec)
        pipeline.release(project, run_id)
    with connect(project, read_only=True) as connection:
        return {table: _rows(connection, table) for table in COLUMNS if table not in ABOUT_FILES}


def _rows(connection, table: str) -> list:
    frame = connection.sql(f"select * from release.{table}").pl()
    rows = frame.drop([name for name in VARYING if name in frame.columns]).rows()
    return sorted((row for row in rows if not (table == "run" and row[0] in VARYING)), key=repr)


@pytest.fixture(scope="module")
def usual(extracts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    return published(extracts, tmp_path_factory.mktemp("usual"), as_delivered, 1)


@pytest.mark.parametrize(("change", "threads"), [(shuffled_and_renamed, 2), (cut_in_three, 4)])
def test_what_is_published_stays_the_same(extracts, usual, tmp_path, change, threads):
    found = published(extracts, tmp_path, change, threads)
    assert usual["estimates"]
    moved = {table: [row for row in rows if row not in usual[table]] for table, rows in found.items()}
    assert {table: rows for table, rows in moved.items() if rows} == {}
    assert {table: len(rows) for table, rows in found.items()} == {t: len(rows) for t, rows in usual.items()}


def _sections(scale: float = 1.0, names: bool = False) -> Sections:
    rng = np.random.default_rng(3)
    cluster, period = (grid.ravel() for grid in np.mgrid[:40, :12])
    if names:
        cluster = np.random.default_rng(4).permutation(40)[cluster]
    base = rng.random(cluster.size)
    first = np.where(np.arange(40) < 12, np.array([5, 7, 9])[np.arange(40) % 3], NEVER)
    cohort = np.repeat(first, 12)
    order = np.argsort(cluster, kind="stable") if names else np.arange(cluster.size)
    weight = np.repeat(rng.integers(5, 60, 40), 12).astype(float)
    return Sections(
        tuple(range(12)), (base * scale)[order], period[order], cohort[order], np.empty((480, 0)), cluster[order],
        weight[order], "share", tuple(range(40)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "scale"), [(_sections(100.0), 100.0), (_sections(1e-3), 1e-3), (_sections(names=True), 1)]
)
def test_scaled_outcomes_and_renamed_clusters_give_the_same_digits(data, scale):
    one, other = (estimates(GroupTime("not_yet"), d, "simple").overall for d in (_sections(), data))
    digits = [f"{x / s:.9g}" for e, s in ((one, 1.0), (other, scale)) for x in (e.value, e.se, e.low, e.high)]
    assert digits[:4] == digits[4:]
    assert f"{one.p_value:.9g}" == f"{other.p_value:.9g}"
