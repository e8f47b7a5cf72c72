"""The programs side by side: how each is asked for the same thing. Every one runs in its own process and environment.

A program reads the Parquet file into the frame that it takes, and answers with the simple average effect and its
clustered error. Nothing is imported before a program is chosen, so that its import is part of its own cold time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLUMNS = ("unit", "period", "cohort", "cluster", "outcome")
Answer = tuple[float, float]  # simple average effect, clustered error


@dataclass(frozen=True, slots=True)
class Program:
    """How to read a panel and how to answer from its frame, with covariates and a number of clustered draws."""

    package: str  # the distribution whose version is printed
    read: Callable[[Path, Sequence[str]], Any]
    answer: Callable[[Any, Sequence[str], int], Answer]


def _polars(path: Path, covariates: Sequence[str]) -> Any:
    import polars as pl

    return pl.read_parquet(path, columns=[*COLUMNS, *covariates])


def _pandas(path: Path, covariates: Sequence[str]) -> Any:
    import pandas as pd

    return pd.read_parquet(path, columns=[*COLUMNS, *covariates])


def _exposed(path: Path, covariates: Sequence[str]) -> Any:
    """Return the frame with a column that says who is exposed when, which regressions want."""
    frame = _pandas(path, covariates)
    return frame.assign(exposed=((frame["cohort"] > 0) & (frame["period"] >= frame["cohort"])).astype("int32"))


def _ours(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from evaluator.estimators.group_time import GroupTime

    adjustment = "doubly_robust" if covariates else "none"
    return _our_averages(GroupTime(adjustment=adjustment), frame, covariates, draws)


def _our_averages(estimator: Any, frame: Any, covariates: Sequence[str] = (), draws: int = 0) -> Answer:
    from evaluator import Panel
    from evaluator.inference import aggregate

    panel = Panel.from_frame(
        frame,
        unit="unit",
        period="period",
        outcome="outcome",
        cohort="cohort",
        cluster="cluster",
        covariates=covariates,
    )
    fit = estimator.fit(panel)
    overall, events = aggregate(fit, panel, "simple"), aggregate(fit, panel, "event")
    if draws:
        from evaluator.inference.multiplier import uniform_band

        uniform_band(events, 0.95, draws=draws, seed=1)
    return overall.value, overall.se


def _our_imputation(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from evaluator.estimators.imputation import Imputation

    return _our_averages(Imputation(), frame)


def _our_saturated(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from evaluator.estimators.saturated import Saturated

    return _our_averages(Saturated(), frame)


def _our_two_way(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from evaluator.estimators.two_way import TwoWay

    return _our_averages(TwoWay(), frame)


def _floor(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from benchmarks.floor import floor

    found = floor(frame, covariates, draws)
    return found.simple, found.simple_se


def _csdid(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from csdid.att_gt import ATTgt

    adjusted = {"xformla": "outcome~" + "+".join(covariates)} if covariates else {}
    table = ATTgt(
        "outcome", "period", "unit", "cohort", frame, control_group="nevertreated", clustervar="cluster",
        biters=draws or 1000, cband=draws > 0, **adjusted,
    ).fit(est_method="dr", base_period="varying", bstrap=draws > 0)  # fmt: skip
    overall = table.aggte("simple", bstrap=draws > 0).atte
    table.aggte("dynamic", bstrap=draws > 0)
    return float(overall["overall_att"]), float(_only(overall["overall_se"]))


def _diff_diff(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from diff_diff import CallawaySantAnna

    estimator = CallawaySantAnna(
        control_group="never_treated", estimation_method="dr" if covariates else "reg", base_period="varying",
        cluster="cluster", n_bootstrap=draws, bootstrap_weights="rademacher" if draws else None, seed=1,
        pscore_trim=1e-9,
    )  # fmt: skip
    found = estimator.fit(
        frame, outcome="outcome", unit="unit", time="period", first_treat="cohort", covariates=list(covariates) or None,
        aggregate="event_study",
    )  # fmt: skip
    return float(found.overall_att), float(found.overall_se)


def _moderndid(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    import moderndid

    chosen = {"clustervars": ["cluster"], "boot": draws > 0, "biters": draws or 1000, "random_state": 1}
    cells = moderndid.att_gt(
        frame, yname="outcome", tname="period", idname="unit", gname="cohort", est_method="dr",
        xformla="~" + ("+".join(covariates) or "1"), control_group="nevertreated", base_period="varying",
        cband=draws > 0, **chosen,
    )  # fmt: skip
    overall = moderndid.aggte(cells, type="simple", **chosen)
    moderndid.aggte(cells, type="dynamic", **chosen)
    return float(overall.overall_att), float(overall.overall_se)


def _differences_frame(path: Path, covariates: Sequence[str]) -> Any:
    frame = _pandas(path, covariates)
    return frame.assign(cohort=frame["cohort"].where(frame["cohort"] > 0)).set_index(["unit", "period"])


def _differences(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from differences import ATTgt

    table = ATTgt(data=frame, cohort_name="cohort", base_period="varying")
    formula = "outcome" + (" ~ " + " + ".join(covariates) if covariates else "")
    method = "dr-mle" if covariates else "reg"
    table.fit(formula, control_group="never_treated", est_method=method, boot_iterations=draws, progress_bar=False)
    overall = table.aggregate("simple", boot_iterations=draws)
    table.aggregate("event", boot_iterations=draws)
    return float(overall.iloc[0, 0]), float(overall.iloc[0, 1])


def _diff_diff_imputation(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from diff_diff import ImputationDiD

    found = ImputationDiD(cluster="cluster").fit(
        frame, outcome="outcome", unit="unit", time="period", first_treat="cohort", aggregate="event_study"
    )
    return float(found.overall_att), float(found.overall_se)


def _diff_diff_saturated(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from diff_diff import SunAbraham

    found = SunAbraham(cluster="cluster").fit(
        frame, outcome="outcome", unit="unit", time="period", first_treat="cohort"
    )
    return float(found.overall_att), float(found.overall_se)


def _linearmodels_two_way(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    from linearmodels import PanelOLS

    data = frame.set_index(["unit", "period"])
    found = PanelOLS(data["outcome"], data[["exposed"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", clusters=data[["cluster"]], debiased=False, auto_df=False, count_effects=False
    )
    return float(found.params["exposed"]), float(found.std_errors["exposed"])


def _pyfixest_imputation(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    import pyfixest

    found = pyfixest.did2s(
        frame, yname="outcome", first_stage="~ 0 | unit + period", second_stage="~ i(exposed, ref=0)",
        treatment="exposed", cluster="cluster",
    )  # fmt: skip
    return float(found.coef().iloc[0]), float(found.se().iloc[0])


def _pyfixest_saturated(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    import numpy as np
    import pyfixest

    found = pyfixest.event_study(
        frame, yname="outcome", idname="unit", tname="period", gname="cohort", cluster="cluster", estimator="saturated"
    )
    persons = frame.loc[frame["period"] == frame["period"].min(), "cohort"].value_counts()
    share = np.zeros(len(found.coef()))
    for at, name in enumerate(found.coef().index):
        since, cohort = (float(part.split("::")[1]) for part in name.split(":f"))
        share[at] = persons[int(cohort)] if since >= 0 else 0.0
    share /= share.sum()
    return float(share @ found.coef()), float(np.sqrt(share @ found._vcov @ share))


def _pyfixest_two_way(frame: Any, covariates: Sequence[str], draws: int) -> Answer:
    import pyfixest

    found = pyfixest.feols("outcome ~ exposed | unit + period", frame, vcov={"CRV1": "cluster"})
    return float(found.coef().iloc[0]), float(found.se().iloc[0])


def _only(value: Any) -> Any:
    return value[0] if hasattr(value, "__len__") else value


OURS = "caseload-evaluator"
PROGRAMS: dict[tuple[str, str], Program] = {
    ("group_time", "ours"): Program(OURS, _polars, _ours),
    ("group_time", "floor"): Program("numpy", _polars, _floor),
    ("group_time", "csdid"): Program("csdid", _pandas, _csdid),
    ("group_time", "diff-diff"): Program("diff-diff", _pandas, _diff_diff),
    ("group_time", "moderndid"): Program("moderndid", _polars, _moderndid),
    ("group_time", "differences"): Program("differences", _differences_frame, _differences),
    ("imputation", "ours"): Program(OURS, _polars, _our_imputation),
    ("imputation", "diff-diff"): Program("diff-diff", _pandas, _diff_diff_imputation),
    ("imputation", "pyfixest"): Program("pyfixest", _exposed, _pyfixest_imputation),
    ("saturated", "ours"): Program(OURS, _polars, _our_saturated),
    ("saturated", "diff-diff"): Program("diff-diff", _pandas, _diff_diff_saturated),
    ("saturated", "pyfixest"): Program("pyfixest", _pandas, _pyfixest_saturated),
    ("two_way", "ours"): Program(OURS, _polars, _our_two_way),
    ("two_way", "linearmodels"): Program("linearmodels", _exposed, _linearmodels_two_way),
    ("two_way", "pyfixest"): Program("pyfixest", _exposed, _pyfixest_two_way),
}

LACKING = {
    ("group_time", "pyfixest"): "has no group-time estimator",
    ("two_way", "diff-diff"): "its static regression is for one date of exposure",
}
