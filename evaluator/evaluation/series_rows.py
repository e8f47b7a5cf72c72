"""Rows of the results store that one municipality's series fills: paths, placebos, weights, fits and tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluator.diagnostics.donor_hull import Hull, effective_donors
from evaluator.diagnostics.pre_fit import LeftOut, Ratio, pre_fit, rmspe_ratio
from evaluator.estimators.weighted_paths import Paths
from evaluator.evaluation.estimate_rows import Behind, test_rows
from evaluator.evaluation.one_treated import Answer, months_of
from evaluator.inference.ferman_pinto import ferman_pinto, variance_of_size
from evaluator.inference.judged import Judged
from evaluator.results import Findings, Row

WEIGHT = 5e-4
"""Share of a donor under which it is not listed: it rounds to nothing."""


def add_paths(outcome: str, answer: Answer, paths: Paths, findings: Findings, *, with_intervals: bool) -> None:
    """Add what happened and what the weights foretell, period by period; intervals are those of each period alone."""
    panel, name = answer.question.panel, answer.question.name
    smallest = float(np.exp(panel.outcome[paths.units[0]]).min())
    for at, on in enumerate(months_of(panel)):
        judged = ferman_pinto([answer.placebos], column=1 + at) if with_intervals else None
        ends = (judged.low, judged.high) if isinstance(judged, Judged) else (None, None)
        findings.add(
            "paths",
            {
                "outcome": outcome,
                "estimator": name,
                "period_on": on,
                "actual": float(np.exp(paths.actual[0, at])),
                "counterfactual": float(np.exp(paths.counterfactual[0, at])),
                "gap": paths.gap[0, at],
                "low": ends[0],
                "high": ends[1],
                "is_after": at >= paths.start,
                "persons": smallest,
            },
        )


def add_placebo_paths(outcome: str, answer: Answer, paths: Paths, findings: Findings) -> None:
    """Add the gap of every municipality as if it were the treated one, without its name."""
    panel = answer.question.panel
    smallest = np.exp(panel.outcome[paths.units]).min(axis=1)
    order = np.argsort(paths.effect, kind="stable")
    dates = months_of(panel)
    for place, row in enumerate(order.tolist(), start=1):
        common: Row = {"outcome": outcome, "estimator": answer.question.name, "place": place, "is_treated": row == 0}
        findings.add(
            "placebo_paths",
            *(
                {**common, "period_on": on, "gap": gap, "persons": smallest[row]}
                for on, gap in zip(dates, paths.gap[row], strict=True)
            ),
        )


def add_weights(outcome: str, answer: Answer, paths: Paths, names: Mapping[str, str], findings: Findings) -> None:
    """Add the donors by weight, the heaviest first."""
    panel, weights = answer.question.panel, paths.weights[0]
    smallest = np.exp(panel.outcome).min(axis=1)
    for place, row in enumerate(np.argsort(-weights, kind="stable").tolist(), start=1):
        if weights[row] < WEIGHT:
            break
        findings.add(
            "weights",
            {
                "outcome": outcome,
                "estimator": answer.question.name,
                "place": place,
                "municipality_name": names.get(str(panel.units[row]), str(panel.units[row])),
                "weight": weights[row],
                "persons": smallest[row],
            },
        )


def add_fit(
    outcome: str, answer: Answer, paths: Paths, hull: Hull, left: tuple[LeftOut, str], findings: Findings
) -> None:
    """Add how well a method's comparison follows before the start, and on whom its answer rests."""
    fit, (without, heaviest) = pre_fit(paths), left
    ratio = rmspe_ratio(fit)
    row = {
        "outcome": outcome,
        "estimator": answer.question.name,
        "donors": answer.donors,
        "before": fit.before[0],
        "after": fit.after[0],
        "followed": fit.followed[0],
        "effective_donors": float(effective_donors(paths.weights[0])),
        "slack": paths.slack[0],
        "objective": paths.objective[0],
        "hull_distance": hull.distance[0],
        "hull_p": hull.p_value,
        "periods_outside": int(hull.outside.sum()),
        "left_out_low": float(without.effect.min()),
        "left_out_high": float(without.effect.max()),
        "left_out_name": heaviest,
        "persons": float(np.exp(answer.question.panel.outcome[paths.units[0]]).min()),
    }
    if isinstance(ratio, Ratio):
        row |= {"ratio": ratio.value, "ratio_rank": ratio.rank, "ratio_of": ratio.of, "ratio_p": ratio.p_value}
    findings.add("fits", row)


def add_tests(outcome: str, answer: Answer, findings: Findings) -> None:
    """Add every test of a method."""
    size, headline = round(answer.placebos.treated_size), answer.headline
    behind = Behind(outcome, answer.question.name, "log", size, size)
    findings.add("tests", *test_rows(behind, answer.tests, headline.method if headline else ""))


def add_placebos(outcome: str, answer: Answer, findings: Findings) -> None:
    """Add every municipality's effect as if it were the treated one, plain and over what is usual at its size."""
    placebos = answer.placebos
    effects = np.append(placebos.donors[:, 0], placebos.effect[0])
    sizes = np.append(placebos.size, placebos.treated_size)
    a, b = variance_of_size(effects**2, sizes)
    scores = effects / np.sqrt(a + b / sizes)
    for rank, index in enumerate(np.argsort(effects, kind="stable").tolist(), start=1):
        findings.add(
            "placebos",
            {
                "outcome": outcome,
                "rank": rank,
                "effect": effects[index],
                "scaled": scores[index],
                "is_treated": bool(index == effects.size - 1),
                "persons": sizes[index],
            },
        )
