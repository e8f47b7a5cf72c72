"""The commands that bring data into a project: load, fetch, pseudonymise, contracts and map."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluator.project import Project


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Declare the commands and their options."""
    load = command("load", _load, "load extracts into the store; the same file twice changes nothing")
    load.add_argument("files", nargs="*", type=Path, help="default: everything in extracts/")
    fetch = command("fetch", _fetch, "fetch public statistics into extracts/; the only command that uses the network")
    fetch.add_argument("service", choices=("statbank", "jobindsats"))
    fetch.add_argument("table", help="StatBank's id, or a name in the list of jobindsats tables")
    fetch.add_argument("values", nargs="*", metavar="VARIABLE=VALUES", help="StatBank: codes or patterns, by comma")
    fetch.add_argument("--benefit", metavar="NAME", help="StatBank: what the extract calls the benefit")
    fetch.add_argument("--format", choices=("CSV", "BULK", "JSONSTAT"), default="CSV", help="StatBank (default: CSV)")
    fetch.add_argument("--api", choices=("v3", "v2"), default="v3", help="jobindsats (default: v3)")
    fetch.add_argument("--refresh", action="store_true", help="ask again, also when the answer is kept")
    pseudonymise = command("pseudonymise", _pseudonymise, "replace CPR numbers in a CSV file on its way into extracts/")
    pseudonymise.add_argument("file", type=Path, help="outside the project")
    pseudonymise.add_argument("--column", required=True, help="the column of CPR numbers")
    pseudonymise.add_argument("--key", type=Path, required=True, metavar="FILE", help="outside the project")
    pseudonymise.add_argument("--new-key", action="store_true", help="make the key first")
    contracts = command("contracts", _contracts, "show what each extract must look like")
    contracts.add_argument("extract", nargs="?", help="only this one")
    mapping = command("map", _map, "propose a mapping for unfamiliar files")
    mapping.add_argument("files", nargs="*", type=Path, help="default: everything in extracts/")


def project_of(options: argparse.Namespace) -> Project:
    from evaluator.project import Project

    return Project.open(options.project)


def say(message: str) -> None:
    """Show progress on a terminal or in a log, one line a step."""
    print(f"  {message}", file=sys.stderr, flush=True)


def _load(options: argparse.Namespace) -> None:
    from evaluator import pipeline

    for delivery in pipeline.load(project_of(options), options.files or None, say):
        state = "already loaded" if delivery.status == "already_loaded" else f"{delivery.rows:,} rows"
        rejected = f", {delivery.rejected:,} rejected" if delivery.rejected else ""
        bare = "" if delivery.rows else "; the file is a header alone: export it again if there should be rows"
        print(f"{delivery.file}: {delivery.extract}, {state}{rejected}{bare}")


def _fetch(options: argparse.Namespace) -> None:
    from evaluator.connectors.fetch import Wish, fetch, values

    wish = Wish(values(options.values), options.benefit, options.format, options.api, options.refresh)
    print(fetch(project_of(options), options.service, options.table, wish))


def _pseudonymise(options: argparse.Namespace) -> None:
    from evaluator.extracts.pseudonymise import new_key, pseudonymise

    project = project_of(options)
    if options.new_key:
        new_key(project, options.key)
    target, rows = pseudonymise(project, options.file, options.column, options.key)
    print(f"{target.name}: {rows:,} rows with pseudonyms. Keep the key, outside the project.")


def _contracts(options: argparse.Namespace) -> None:
    from evaluator.errors import ExtractError
    from evaluator.extracts.contract import contracts, described

    chosen = [contract for contract in contracts() if options.extract in (None, contract.name)]
    if not chosen:
        names = ", ".join(contract.name for contract in contracts())
        raise ExtractError(f"{options.extract}: no such extract; expected one of {names}. Correct the name.")
    print("\n\n".join(described(contract) for contract in chosen))


def _map(options: argparse.Namespace) -> None:
    from evaluator.extracts.folder import delivered
    from evaluator.extracts.matching import read_mapping
    from evaluator.extracts.proposal import proposals

    project = project_of(options)
    text, errors = proposals(options.files or delivered(project), read_mapping(project.mapping))
    if text:
        print(text)
    for error in errors[1:]:
        say(str(error))
    if errors:
        raise errors[0]
