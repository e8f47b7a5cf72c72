"""Freeze the numbers of two independent programs for each case: `build/peers/bin/python tests/golden/peers/freeze.py`.

Runs in the peers' environment (`make peers`), reads panel.csv and sections.csv and writes reference.json with the
versions. Nothing of ours is imported: what a program says is written down as it is, also where two of them differ.
Where a program prints no clustered error, the influence function that it returns is summed to clusters here.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from freeze_regressions import regression_cases

FOLDER = Path(__file__).parent
PACKAGES = ("csdid", "moderndid", "diff-diff", "pyfixest", "linearmodels", "wildboottest", "numpy", "scipy")
PANEL = pd.read_csv(FOLDER / "panel.csv")
SECTIONS = pd.read_csv(FOLDER / "sections.csv")
COVARIATES = ["x1", "x2"]
GROUP_TIME: dict[str, dict[str, Any]] = {
    "never": {},
    "not_yet": {"comparison": "not_yet"},
    "universal": {"base": "universal"},
    "anticipation": {"anticipation": 1},
    "weights": {"weight": "weight"},
    "regression": {"adjustment": "reg"},
    "weighting": {"adjustment": "ipw"},
    "doubly_robust": {"adjustment": "dr"},
    "doubly_robust_not_yet": {"adjustment": "dr", "comparison": "not_yet"},
    "clustered": {"cluster": "cluster"},
    "clustered_doubly_robust": {"cluster": "cluster", "adjustment": "dr"},
    "sections": {"sections": True},
    "sections_doubly_robust": {"sections": True, "adjustment": "dr"},
}
Rows = list[list[float]]


def csdid(choices: dict[str, Any]) -> dict[str, Any]:
    """Return cells, simple and event averages with analytic errors."""
    from csdid.att_gt import ATTgt

    is_sections = choices.get("sections", False)
    found = ATTgt(
        "outcome", "period", "person" if is_sections else "unit", "cohort", SECTIONS if is_sections else PANEL,
        control_group="notyettreated" if choices.get("comparison") == "not_yet" else "nevertreated",
        xformla="outcome~x1+x2" if "adjustment" in choices else None, panel=not is_sections,
        clustervar=choices.get("cluster"), weights_name=choices.get("weight"),
        anticipation=choices.get("anticipation", 0),
    ).fit(
        est_method=choices.get("adjustment", "reg"), base_period=choices.get("base", "varying"), bstrap=False
    )  # fmt: skip
    cells = zip(*(found.results[name] for name in ("group", "year", "att", "se")), strict=True)
    averages = {kind: found.aggte(kind, bstrap=False).atte for kind in ("simple", "dynamic", "group", "calendar")}
    return {
        "cells": _rows(cells),
        "simple": _numbers([_one(averages["simple"][k]) for k in ("overall_att", "overall_se")]),
    } | {
        name: _rows(
            zip(averages[kind]["egt"], averages[kind]["att_egt"], np.ravel(averages[kind]["se_egt"]), strict=True)
        )
        for name, kind in (("event", "dynamic"), ("group", "group"), ("calendar", "calendar"))
    }


def moderndid(choices: dict[str, Any]) -> dict[str, Any]:
    """Return the same; with a cluster the influence that it returns is summed here, since it prints none."""
    import moderndid as program

    is_sections = choices.get("sections", False)
    data = pl.from_pandas(SECTIONS if is_sections else PANEL)
    found = program.att_gt(
        data, yname="outcome", tname="period", idname=None if is_sections else "unit", gname="cohort",
        xformla="~x1+x2" if "adjustment" in choices else "~1", est_method=choices.get("adjustment", "reg"),
        control_group="notyettreated" if choices.get("comparison") == "not_yet" else "nevertreated",
        base_period=choices.get("base", "varying"), anticipation=choices.get("anticipation", 0),
        weightsname=choices.get("weight"), panel=not is_sections, boot=False,
    )  # fmt: skip
    averages = {
        kind: program.aggte(found, type=kind, boot=False) for kind in ("simple", "dynamic", "group", "calendar")
    }

    def error(influence: Any, printed: Any) -> Any:
        return _clustered(np.asarray(influence)) if "cluster" in choices else np.asarray(printed)

    cells = zip(found.groups, found.times, found.att_gt, error(found.influence_func, found.se_gt), strict=True)
    simple = averages["simple"]
    overall = [simple.overall_att, float(np.ravel(error(_column(simple.influence_func_overall), simple.overall_se))[0])]
    parts = {}
    for name, kind in (("event", "dynamic"), ("group", "group"), ("calendar", "calendar")):
        one = averages[kind]
        parts[name] = _rows(
            zip(one.event_times, one.att_by_event, error(one.influence_func, one.se_by_event), strict=True)
        )
    return {"cells": _rows(cells), "simple": _numbers(overall)} | parts


def diff_diff(choices: dict[str, Any]) -> dict[str, Any] | None:
    """Return cells and averages where the program offers the case without a survey design."""
    from diff_diff import CallawaySantAnna

    if "weight" in choices:
        return None
    is_sections = choices.get("sections", False)
    found = CallawaySantAnna(
        control_group="not_yet_treated" if choices.get("comparison") == "not_yet" else "never_treated",
        estimation_method=choices.get("adjustment", "reg"), base_period=choices.get("base", "varying"),
        anticipation=choices.get("anticipation", 0), cluster=choices.get("cluster"), pscore_trim=1e-9,
        panel=not is_sections,
    ).fit(
        SECTIONS if is_sections else PANEL, outcome="outcome", unit="person" if is_sections else "unit", time="period",
        first_treat="cohort", covariates=COVARIATES if "adjustment" in choices else None, aggregate="all",
    )  # fmt: skip
    cells = ((g, t, cell["effect"], cell["se"]) for (g, t), cell in found.group_time_effects.items())
    events = ((e, part["effect"], part["se"]) for e, part in found.event_study_effects.items())
    return {"cells": _rows(cells), "simple": _numbers([found.overall_att, found.overall_se]), "event": _rows(events)}


def _clustered(influence: Any) -> Any:
    """Return errors of influence columns (N, P) summed to clusters; moderndid's rows are by cohort, never last."""
    units = PANEL.drop_duplicates("unit").assign(last=PANEL["cohort"] == 0)
    cluster = units.sort_values(["last", "cohort", "unit"])["cluster"].to_numpy()
    sums = np.zeros((cluster.max() + 1, influence.shape[1]))
    np.add.at(sums, cluster, influence)
    return np.sqrt((sums**2).sum(axis=0)) / len(influence)


def _column(values: Any) -> Any:
    return np.asarray(values).reshape(-1, 1)


def _one(value: Any) -> float:
    return float(np.ravel(value)[0])


def _rows(rows: Any) -> Rows:
    return [_numbers(row) for row in rows]


def _numbers(values: Any) -> list[Any]:
    return [None if value is None or not np.isfinite(value) else float(value) for value in values]


def main() -> None:
    """Run every case in every program that has it and write reference.json."""
    warnings.filterwarnings("ignore")
    cases: dict[str, Any] = {}
    for name, choices in GROUP_TIME.items():
        answers = {program.__name__: program(choices) for program in (csdid, moderndid, diff_diff)}
        cases[name] = {"choices": choices, "peers": {peer: found for peer, found in answers.items() if found}}
        print(
            name, {peer: found["simple"] for peer, found in cases[name]["peers"].items()}, file=sys.stderr, flush=True
        )
    for name, answers in regression_cases(PANEL).items():
        cases[name] = answers
        print(name, "frozen", file=sys.stderr, flush=True)
    versions = {"python": sys.version.split()[0], **{package: metadata.version(package) for package in PACKAGES}}
    text = json.dumps({"versions": versions, "cases": cases}, indent=1)
    (FOLDER / "reference.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
