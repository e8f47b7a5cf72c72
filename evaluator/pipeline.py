"""The order of the steps, once. The command line and the flows call these functions and nothing else.

Each step opens and closes its own connection and hands on paths, names and counts, never rows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

import duckdb

from evaluator import models, results
from evaluator.connectors.landing import sources
from evaluator.design.frozen import Design, freeze
from evaluator.disclosure import MINIMUM_COUNT, in_words
from evaluator.errors import CheckError, ProjectError
from evaluator.extracts.folder import passed_over
from evaluator.extracts.load import Delivery
from evaluator.extracts.load import load as load_deliveries
from evaluator.extracts.overlaps import overlaps
from evaluator.project import Project
from evaluator.quality.measure import LATEST_FINDINGS, measure
from evaluator.release import release as release_run
from evaluator.release import release_quality
from evaluator.release_rules import Policy
from evaluator.results import Findings
from evaluator.spec import EvaluationSpec
from evaluator.spec_reading import read_spec
from evaluator.store import connect
from evaluator.vocabulary import Finding, Verdict

Progress = Callable[[str], None]
Check = Callable[[Project], Verdict]
WriteReport = Callable[[Project, str], Path]
CODE = (("evaluator", ".py"), ("sql", ".sql"))
RUN_ID_LENGTH = 12


def silent(message: str) -> None:
    """Show nothing; the default progress."""


def load(project: Project, files: Sequence[Path] | None = None, progress: Progress = silent) -> tuple[Delivery, ...]:
    """Load the given files, or everything in extracts/, into the store; name the files there that are no deliveries."""
    progress("loading deliveries")
    for name in passed_over(project) if files is None else ():
        progress(f"{name}: passed over for its ending; load it by name if it is an extract, or take it out")
    return load_deliveries(project, files)


def build(project: Project, progress: Progress = silent) -> int:
    """Build staging and marts where something changed; return how many models were built."""
    progress("building tables")
    with connect(project) as connection:
        built = models.build(connection, ("staging", "marts"), _settings(project))
    return sum(not b.skipped for b in built)


def unknown_codes(project: Project) -> tuple[tuple[str, int], ...]:
    """Return each benefit code that no list knows, kept as another benefit, and its number of persons.

    Codes of few persons are one entry without the code, so that none can be told by it.
    """
    with connect(project) as connection:
        return tuple(
            connection.execute(
                "select case when persons >= $least then benefit_code else 'others' end as code, sum(persons)::integer "
                "from (select benefit_code, count(distinct person_id) as persons from staging.stg_benefit_spells "
                "anti join staging.stg_dream_codes using (benefit_code) group by benefit_code) "
                "group by code order by code",
                {"least": MINIMUM_COUNT},
            ).fetchall()
        )


def check(project: Project, check: Check, progress: Progress = silent) -> Verdict:
    """Check the tables; raise CheckError when a critical expectation does not hold."""
    with connect(project) as connection:
        _refuse_empty(connection)
    progress("checking data")
    verdict = check(project)
    if verdict.critical:
        first = verdict.critical[0]
        more = f" ({len(verdict.critical) - 1} more critical rules fail)" if len(verdict.critical) > 1 else ""
        model = first.table.split(".")[-1]
        step = f"Run 'evaluator why {model}', correct" if not first.table.startswith("raw.") else "Correct"
        raise CheckError(
            f"{first.table}: {in_words(first.unexpected)} of {first.rows:,} rows break '{first.rule}'{more}; "
            f"expected none. {first.notes} {_lines(project, first)}{step} the extract and load it again."
        )
    _note_passed(project)
    return verdict


def _lines(project: Project, finding: Finding) -> str:
    """Return where in the files the first overlapping spells stand, when that is what was found."""
    if "do not overlap" not in finding.rule:
        return ""
    [model] = [model for model in models.read_models() if model.table == finding.table]
    extracts = frozenset(name.removeprefix("raw.") for name in model.inputs if name.startswith("raw."))
    with connect(project) as connection:
        found = overlaps(connection, finding.table, extracts)
    return f"See {found}. " if found else ""


def prepare(project: Project, check_with: Check, progress: Progress = silent) -> None:
    """Do whatever is missing before an estimate: load, build, check."""
    load(project, None, progress)
    build(project, progress)
    if not _is_checked(project):
        check(project, check_with, progress)


def quality(
    project: Project, check_with: Check, write_quality: WriteReport, progress: Progress = silent
) -> tuple[str, Path]:
    """Measure and release the quality of everything in the store; return light and path of the report.

    Loads and builds what is new. A critical failure does not stop here: it is the first thing that the report says.
    """
    if any(project.extracts.iterdir()):
        load(project, None, progress)
    build(project, progress)
    if not _is_checked(project):
        progress("checking data")
        if not check_with(project).critical:
            _note_passed(project)
    progress("measuring quality")
    with connect(project) as connection:
        results.create(connection)
        quality_id = _quality_id(connection)
        if not connection.execute("select 1 from results.run where run_id = ?", [quality_id]).fetchall():
            results.append(connection, quality_id, measure(connection))
        release_quality(connection, quality_id)
        [(light,)] = connection.execute(
            "select value from release.run where run_id = ? and key = 'light'", [quality_id]
        ).fetchall()
    return light, write_quality(project, quality_id)


def estimate(project: Project, spec_path: Path, progress: Progress = silent) -> str:
    """Lock the spec, then estimate; return the run's id. The same spec, extracts and code give the stored run."""
    from evaluator.evaluation.run import evaluate

    spec = read_spec(project.inside(spec_path))
    with connect(project) as connection:
        results.create(connection)
        run_id, hashes = _identity(connection, spec, _settings(project))
        if connection.execute("select 1 from results.runs where run_id = ?", [run_id]).fetchall():
            progress(f"{spec.evaluation.name}: unchanged, run {run_id} is there already")
            return run_id
        frozen = freeze(connection, spec)
        _lock(connection, spec, frozen, run_id)
        progress(f"{spec.evaluation.name}: estimating")
        findings = evaluate(connection, spec, frozen, _settings(project))
        _provenance(connection, findings, sources(project))
        findings.facts(**hashes, seed=spec.estimation.seed, created_at=f"{dt.datetime.now():%Y-%m-%dT%H:%M:%S}")
        findings.add(
            "runs",
            {
                "spec_name": spec.evaluation.name,
                "seed": spec.estimation.seed,
                "created_at": dt.datetime.now(),
                "spec_text": spec.text,
                **hashes,
            },
        )
        results.append(connection, run_id, findings)
    return run_id


def release(project: Project, run_id: str, progress: Progress = silent) -> tuple[str, ...]:
    """Release a run and every run on the same intervention, whose exploratory mark may have changed."""
    with connect(project) as connection:
        family = _family(connection, run_id)
        for member in family:
            release_run(connection, member, _policy(connection, member), _marks(connection, member))
    return (run_id, *(m for m in family if m != run_id))


def report(project: Project, run_id: str, write_report: WriteReport, progress: Progress = silent) -> Path:
    """Write the report of a released run; return its path."""
    progress("writing the report")
    return write_report(project, run_id)


def run(
    project: Project, spec_path: Path, check_with: Check, write_report: WriteReport, progress: Progress = silent
) -> tuple[str, Path]:
    """Do everything that is missing, estimate, release and report; return the run's id and the report's path."""
    prepare(project, check_with, progress)
    run_id = estimate(project, spec_path, progress)
    first, *siblings = release(project, run_id, progress)
    for sibling in siblings:
        write_report(project, sibling)
    return first, report(project, first, write_report, progress)


def code_hash() -> str:
    """Return the SHA-256 of the engine's Python and SQL, in name order."""
    digest = hashlib.sha256()
    for package, ending in CODE:
        root = resources.files(package)
        for path in sorted(_files(root, ending), key=lambda item: item[0]):
            digest.update(path[0].encode() + b"\0" + path[1].replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def _files(folder: resources.abc.Traversable, ending: str, prefix: str = "") -> list[tuple[str, bytes]]:
    found = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _files(item, ending, f"{prefix}{item.name}/")
        elif item.name.endswith(ending):
            found.append((prefix + item.name, item.read_bytes()))
    return found


def _settings(project: Project) -> dict[str, object]:
    return {
        "wage_final_after_months": project.settings.wage_final_after_months,
        "caseworkers_are_full_time": project.settings.caseworkers_are_full_time,
    }


def _is_checked(project: Project) -> bool:
    """Return whether the tables, as they are now, have been checked and let through."""
    with connect(project) as connection:
        query = "select count(*) from meta.passed where state_sha256 = ?"
        return connection.execute(query, [_tables_sha256(connection)]).fetchall() != [(0,)]


def _note_passed(project: Project) -> None:
    with connect(project) as connection:
        connection.execute(
            "insert or replace into meta.passed values (?, now() at time zone 'UTC')", [_tables_sha256(connection)]
        )


def _tables_sha256(connection: duckdb.DuckDBPyConnection) -> str:
    """Return a fingerprint of what is loaded and built: the same state gives the same verdict."""
    found = connection.execute(
        "select table_name, fingerprint from meta.builds where table_name not like 'design.%' "
        "union all select sha256, replaced_by::varchar from raw.deliveries order by all"
    ).fetchall()
    return hashlib.sha256(repr(found).encode()).hexdigest()


def _identity(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, settings: dict[str, object]
) -> tuple[str, dict[str, str]]:
    """Return the run's id and the hashes it is keyed by; settings that move numbers count as extracts."""
    _refuse_empty(connection)
    deliveries = connection.execute(
        "select sha256 from raw.deliveries where replaced_by is null order by sha256"
    ).fetchall()
    content = [*(row[0] for row in deliveries), str(sorted(settings.items()))]
    extracts = hashlib.sha256("".join(content).encode()).hexdigest()
    hashes = {"spec_hash": spec.content_hash, "extract_hash": extracts, "code_hash": code_hash()}
    return hashlib.sha256("".join(hashes.values()).encode()).hexdigest()[:RUN_ID_LENGTH], hashes


def _lock(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, run_id: str) -> None:
    """Store the spec's hash for each treated unit before any outcome after the start is opened."""
    units = design.treated_codes or ("*",)
    rows = [
        {
            "intervention": spec.intervention.name,
            "unit": unit,
            "spec_hash": spec.content_hash,
            "design_hash": design.content_hash,
            "run_id": run_id,
            "locked_at": dt.datetime.now(),
        }
        for unit in units
    ]
    results.insert(connection, "locks", rows)


def _family(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[str]:
    """Return the runs whose spec was locked for the same intervention and a shared unit, oldest first."""
    found = connection.execute(
        "select other.run_id from results.locks as own join results.locks as other using (intervention, unit) "
        "join results.runs as run on run.run_id = other.run_id "
        "where own.run_id = ? group by all order by min(run.created_at), other.run_id",
        [run_id],
    ).fetchall()
    return [row[0] for row in found]


def _marks(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, str]:
    """Return what a run's intervention and units have seen: several specs or starts locked make all exploratory.

    A run that failed after its lock counts too.
    """
    [(designs, runs)] = connection.execute(
        "select count(distinct other.spec_hash || other.design_hash), count(distinct other.run_id) "
        "from results.locks as own join results.locks as other using (intervention, unit) where own.run_id = ?",
        [run_id],
    ).fetchall()
    return {"is_exploratory": str(designs > 1).lower(), "runs_on_intervention": str(runs)}


def _refuse_empty(connection: duckdb.DuckDBPyConnection) -> None:
    if not connection.execute("select 1 from raw.deliveries where replaced_by is null limit 1").fetchall():
        raise ProjectError("store: no delivery is loaded; expected extracts in extracts/. Run 'evaluator load'.")


def _quality_id(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the fingerprint of the tables, what they were checked for, and the code."""
    _refuse_empty(connection)
    found = connection.execute(LATEST_FINDINGS).fetchall()
    content = _tables_sha256(connection) + repr(found) + code_hash()
    return hashlib.sha256(content.encode()).hexdigest()[:RUN_ID_LENGTH]


def _policy(connection: duckdb.DuckDBPyConnection, run_id: str) -> Policy:
    facts = dict(connection.execute("select key, value from results.run where run_id = ?", [run_id]).fetchall())
    return Policy(int(facts["minimum_count"]), is_public=facts["published"] == "true")


def _provenance(connection: duckdb.DuckDBPyConnection, findings: Findings, cited: dict[str, str]) -> None:
    """Add the deliveries behind the run and the latest verdict on the tables."""
    for table, query in (
        (
            "deliveries",
            "select extract, file, rows, rejected, period_from, period_to, sha256 from raw.deliveries "
            "where replaced_by is null order by extract, file",
        ),
        (
            "quality",
            LATEST_FINDINGS,
        ),
    ):
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        if table == "deliveries":
            rows = [row | {"source": cited.get(row["sha256"])} for row in rows]
        findings.add(table, *rows)
