"""The command line: parse, call, print. The one place where the engine, the checks and the reports meet.

Exit code 0: a report was written, also when it says "kan ikke afgøres" or refuses; 1: stopped by data or an error;
2: misuse. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import argparse
import math
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaluator import cli_extracts
from evaluator.cli_extracts import project_of, say

if TYPE_CHECKING:
    from evaluator.project import Project

DEMO_PERSONS = 60_000
DEMO_SEED = 20170101
JUDGED_DRAWS = 300
STORE_FAULTS = ("IOException", "FatalException")
"""What the store calls a disk that refuses."""
DEMO_SPECS = ("horsens", "trappe", "sanktioner")
QUALITY_LIGHTS = {
    "green": "green: the deliveries can be used as they are",
    "amber": "amber: the deliveries can be used, and something should be asked for",
    "red": "red: something stops a run",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = _parser().parse_args(argv)
    from evaluator.errors import EvaluatorError

    try:
        with warnings.catch_warnings():
            if not options.debug:
                warnings.simplefilter("ignore")  # what a reader must know is a diagnostic, never a warning
            options.command(options)
    except EvaluatorError as error:
        if options.debug:
            traceback.print_exc()
        print(f"evaluator: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("evaluator: stopped; what was finished is kept.", file=sys.stderr)
        return 1
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        print(f"evaluator: {options.name}: {_unforeseen(error)}", file=sys.stderr)
        return 1
    return 0


def _unforeseen(error: Exception) -> str:
    """Return what to say of an error that is not the engine's own: by its kind, since its text may quote a person."""
    kind = type(error).__name__
    if isinstance(error, OSError) or kind in STORE_FAULTS:
        return (
            f"a file or folder cannot be used ({kind}); expected to read and write it. Close what has it open, and "
            "look at the rights and the room on the disk; what was written before is as it was."
        )
    return (
        f"{kind} inside the program; expected it to finish. "
        "Run again with --debug and send the text to whoever maintains the program."
    )


def _shared(project: object = argparse.SUPPRESS, debug: object = argparse.SUPPRESS) -> argparse.ArgumentParser:
    """Return the options that may stand before or after the command; only those before have defaults."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--project", type=Path, default=project, metavar="DIR", help="project folder (default: here)")
    shared.add_argument("--debug", action="store_true", default=debug, help="show the traceback of an error")
    return shared


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evaluator",
        parents=[_shared(Path(), False)],
        description="Would it have happened anyway? Effects of caseloads and sanctions in Danish municipalities.",
    )
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def command(name: str, call: object, about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[_shared()], help=about, description=about)
        made.set_defaults(command=call)
        return made

    init = command("init", _init, "make a project folder")
    init.add_argument("folder", type=Path)
    init.add_argument("--example", action="store_true", help="with a small synthetic register and example specs")
    synth = command("synth", _synth, "write a synthetic municipal register as extract files")
    synth.add_argument("folder", type=Path)
    synth.add_argument("--persons", type=_whole(1), default=DEMO_PERSONS, help=f"default: {DEMO_PERSONS}")
    synth.add_argument("--seed", type=_whole(0), default=DEMO_SEED, help=f"default: {DEMO_SEED}")
    synth.add_argument("--world", default="default", help="what is planted (data/synthetic/README.md)")
    synth.add_argument(
        "--strictness-spread", type=_share, default=0.0, metavar="SHARE",
        help="caseworkers sanction 1 - SHARE to 1 + SHARE times as often as their municipality (default: all alike)",
    )  # fmt: skip
    cli_extracts.add(command)
    command("check", _check, "check the tables against the expectations")
    command("build", _build, "build the SQL models")
    command("quality", _quality, "write the report on the deliveries: good enough to run, what to ask for")
    plan = command("plan", _plan, "show the design and its power from data before the start")
    plan.add_argument("spec", type=Path)
    run = command("run", _run, "do whatever is missing, estimate and write the report")
    run.add_argument("spec", type=Path)
    run.add_argument("--dry-run", action="store_true", help="show what would be done and stop")
    report = command("report", _report, "write the report of a run again")
    report.add_argument("run", nargs="?", help="id or spec name (default: the newest)")
    command("runs", _runs, "list the runs")
    show = command("show", _show, "show the estimates of a run")
    show.add_argument("run", nargs="?", help="id or spec name (default: the newest)")
    show.add_argument("--json", action="store_true", help="the released tables as JSON")
    why = command("why", _why, "explain a table: grain, inputs, rows, repeats, rejects")
    why.add_argument("model")
    conformance = command("conformance", _conformance, "judge an estimator in worlds whose truth is known")
    conformance.add_argument("estimator", help="a registered name, or module:Class")
    conformance.add_argument("--draws", type=_whole(20), default=JUDGED_DRAWS, help=f"default: {JUDGED_DRAWS}")
    conformance.add_argument("--seed", type=_whole(0), default=DEMO_SEED, help=f"default: {DEMO_SEED}")
    conformance.add_argument("--workers", type=_whole(1), default=1, help="processes (default: 1)")
    conformance.add_argument("--world", action="append", metavar="NAME", help="only this one, may be repeated")
    command("doctor", _doctor, "check the installation and the project")
    demo = command("demo", _demo, "the main job on a synthetic register, from extracts to reports")
    demo.add_argument("folder", nargs="?", type=Path, default=Path("demo"))
    demo.add_argument("--persons", type=_whole(1), default=DEMO_PERSONS, help=f"default: {DEMO_PERSONS}")
    demo.add_argument("--seed", type=_whole(0), default=DEMO_SEED, help=f"default: {DEMO_SEED}")
    return parser


def _whole(lowest: int) -> Callable[[str], int]:
    """Return a reader of whole numbers that refuses, as misuse, those under `lowest`."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < lowest:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {lowest}")
        return int(text)

    return read


def _share(text: str) -> float:
    """Read a number from 0 to 1; refuses, as misuse, what is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("expected a number from 0 to 1")
    return value


def _spec_path(project: Project, given: Path) -> Path:
    """Return the spec a user means: a path, or the name of a file in specs/."""
    for candidate in (given, project.root / given, project.specs / given, project.specs / f"{given}.toml"):
        if candidate.is_file():
            return project.inside(candidate.resolve())
    from evaluator.errors import SpecError

    raise SpecError(
        f"{given}: no such spec; expected a TOML file, for example in {project.specs.name}/. Check the path."
    )


def _init(options: argparse.Namespace) -> None:
    from evaluator.project import Project

    project = Project.create(options.folder, example=options.example)
    print(f"{project.root}: ready. Put extracts in {project.extracts.name}/ and specs in {project.specs.name}/.")


def _synth(options: argparse.Namespace) -> None:
    from evaluator.errors import ProjectError
    from evaluator.registers import write_register
    from evaluator.registers.municipalities import WORLDS
    from evaluator.registers.writing import PART

    if options.world not in WORLDS:
        raise ProjectError(
            f"world {options.world}: not known; expected one of {', '.join(WORLDS)}. Choose one of them."
        )
    if options.folder.exists() and not options.folder.is_dir():
        raise ProjectError(f"{options.folder}: is a file; expected a folder. Choose another name.")
    persons, seed, spread = options.persons, options.seed, options.strictness_spread
    if spread and persons > PART:
        raise ProjectError(
            f"synth: {persons:,} persons with --strictness-spread; expected {PART:,} or fewer. Ask for fewer persons."
        )
    write_register(options.folder, persons=persons, seed=seed, world=options.world, strictness_spread=spread)
    print(f"{options.folder}: {options.persons:,} persons, seed {options.seed}; the truth is in truth.json.")


def _check(options: argparse.Namespace) -> None:
    from evaluator import pipeline
    from evaluator.disclosure import in_words
    from expectations.run import check

    project = project_of(options)
    pipeline.build(project, say)
    verdict = pipeline.check(project, check, say)
    print(f"{len(verdict.findings)} expectations, {len(verdict.warnings)} warnings, none critical")
    for code, persons in pipeline.unknown_codes(project):
        print(
            f"  code {code} is in no list: {in_words(persons)} persons, kept as another benefit; see dream_codes.toml"
        )
    for warning in verdict.warnings:
        print(f"  {warning.table}: {warning.rule}: {warning.unexpected:,} of {warning.rows:,} rows. {warning.notes}")


def _build(options: argparse.Namespace) -> None:
    from evaluator import pipeline

    print(f"{pipeline.build(project_of(options), say)} models built")


def _quality(options: argparse.Namespace) -> None:
    from evaluator import pipeline
    from expectations.run import check
    from reports import write_quality

    light, report = pipeline.quality(project_of(options), check, write_quality, say)
    print(f"{QUALITY_LIGHTS[light]}\n{report}")


def _plan(options: argparse.Namespace) -> None:
    from evaluator import pipeline
    from evaluator.evaluation.plan import describe
    from expectations.run import check

    project = project_of(options)
    pipeline.prepare(project, check, say)
    print(describe(project, _spec_path(project, options.spec)))


def _run(options: argparse.Namespace) -> None:
    from evaluator import pipeline
    from evaluator.spec_reading import read_spec
    from expectations.run import check
    from reports import write_report

    project = project_of(options)
    path = _spec_path(project, options.spec)
    spec = read_spec(path)
    if options.dry_run:
        print(f"{spec.evaluation.name}: would load new extracts, build, check, lock spec {spec.content_hash[:12]},")
        print(f"estimate {', '.join(spec.estimation.estimators)} for {len(spec.outcomes)} outcomes and write a report.")
        return
    run_id, report = pipeline.run(project, path, check, write_report, say)
    print(f"{spec.evaluation.name}: run {run_id}\n{report}")


def _report(options: argparse.Namespace) -> None:
    from evaluator import pipeline
    from evaluator.results import find_run
    from evaluator.store import connect
    from reports import write_report

    project = project_of(options)
    with connect(project) as connection:
        run_id = find_run(connection, options.run)
    pipeline.release(project, run_id)
    print(pipeline.report(project, run_id, write_report, say))


def _runs(options: argparse.Namespace) -> None:
    from evaluator.results import runs
    from evaluator.store import connect

    with connect(project_of(options)) as connection:
        stored = runs(connection)
        if not stored:
            print("no run yet; start one with 'evaluator run SPEC'")
        for run in stored:
            print(f"{run.run_id}  {run.created_at:%Y-%m-%d %H:%M}  {run.spec_name}  spec {run.spec_hash[:12]}")


def _show(options: argparse.Namespace) -> None:
    from evaluator.evaluation.show import as_json, as_text
    from evaluator.results import find_run
    from evaluator.store import connect

    with connect(project_of(options)) as connection:
        run_id = find_run(connection, options.run)
        print(as_json(connection, run_id) if options.json else as_text(connection, run_id))


def _why(options: argparse.Namespace) -> None:
    from evaluator.models import why
    from evaluator.store import connect

    with connect(project_of(options)) as connection:
        print(why(connection, options.model))


def _conformance(options: argparse.Namespace) -> None:
    from evaluator.conformance import Effort, as_table, conforms, judge, named
    from evaluator.errors import CheckError
    from evaluator.estimators import plugins

    sys.path.append(str(Path.cwd()))  # module:Class may stand beside the notebook
    worlds, estimator = named(options.world), plugins.made(options.estimator)
    checks = judge(estimator, Effort(options.draws, options.seed, options.workers, say), worlds)
    print(as_table(checks))
    if not conforms(checks):
        raise CheckError(
            f"{options.estimator}: checks marked FAILS do not hold; expected all to. Mend the estimator, or what it "
            "says that it assumes."
        )
    print(f"{options.estimator} conforms: {len(checks)} checks, {options.draws} draws a world, seed {options.seed}")


def _doctor(options: argparse.Namespace) -> None:
    from evaluator.doctor import examine

    for line in examine(options.project):
        print(line)


def _demo(options: argparse.Namespace) -> None:
    from evaluator import pipeline
    from evaluator.project import Project
    from evaluator.registers import write_register
    from expectations.run import check
    from reports import write_report

    project = Project.create(options.folder, example=True)
    say(f"simulating {options.persons:,} persons, seed {options.seed}")
    write_register(project.extracts, persons=options.persons, seed=options.seed)
    project.add_example_specs()
    reports = []
    for name in DEMO_SPECS:
        _, report = pipeline.run(project, project.specs / f"{name}.toml", check, write_report, say)
        reports.append(report)
    print("Reports:")
    for report in reports:
        print(f"  {report}")


if __name__ == "__main__":
    sys.exit(main())
