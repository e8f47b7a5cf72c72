"""The cases beside group-time: regressions, imputation, triple differences, bounded trends, wild bootstrap.

Called by freeze.py in the peers' environment; each function returns what the programs say, as they say it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Answers = dict[str, Any]
DRIFTS = (0.0, 0.5, 1.0)  # of relative magnitudes, in the largest change before
SMOOTHNESS = (0.0, 0.05, 0.1)  # of second differences, in the unit of the outcome
BOOTSTRAP_PLACES = 10  # 1,024 samples: all of them are taken


def regression_cases(panel: pd.DataFrame) -> dict[str, Any]:
    """Return the cases by name: the choices made and each program's answer."""
    panel = panel.assign(exposed=((panel["cohort"] > 0) & (panel["period"] >= panel["cohort"])).astype(int))
    cases = {
        "imputation": _imputation,
        "saturated": _saturated,
        "two_way": _two_way,
        "comparisons": _comparisons,
        "triple_difference": _triple_difference,
        "bounded_trends": _bounded_trends,
        "wild_bootstrap": _wild_bootstrap,
    }
    return {name: {"choices": {}, "peers": case(panel)} for name, case in cases.items()}


def _imputation(panel: pd.DataFrame) -> Answers:
    """Effects by time since the start, equally weighted persons."""
    import pyfixest
    from diff_diff import ImputationDiD

    shape = {"outcome": "outcome", "unit": "unit", "time": "period", "first_treat": "cohort"}
    found = ImputationDiD(cluster="cluster").fit(panel, **shape, aggregate="event_study")
    events = [[e, one["effect"], one["se"]] for e, one in found.event_study_effects.items() if one["n_obs"]]
    since = panel.assign(since=np.where(panel["cohort"] > 0, panel["period"] - panel["cohort"], -99.0))
    since["event"] = np.where(since["since"] >= 0, since["since"], -1.0)
    stages = {"yname": "outcome", "first_stage": "~ 0 | unit + period", "treatment": "exposed", "cluster": "cluster"}
    overall = pyfixest.did2s(since, second_stage="~ i(exposed, ref=0)", **stages)
    parts = pyfixest.did2s(since, second_stage="~ i(event, ref=-1.0)", **stages)
    gardner = [[float(name.split("::")[1]), *values] for name, *values in _table(parts)]
    return {
        "diff_diff": {"simple": [found.overall_att, found.overall_se], "event": _plain(events)},
        "pyfixest": {"simple": [float(overall.coef().iloc[0]), float(overall.se().iloc[0])], "event": _plain(gardner)},
    }


def _saturated(panel: pd.DataFrame) -> Answers:
    """Coefficients by cohort and time since the start."""
    import pyfixest
    from diff_diff import SunAbraham

    shape = {"outcome": "outcome", "unit": "unit", "time": "period", "first_treat": "cohort"}
    found = SunAbraham(cluster="cluster").fit(panel, **shape)
    cells = [[g, e, one["effect"], one["se"]] for (g, e), one in found.cohort_effects.items()]
    names = {"yname": "outcome", "idname": "unit", "tname": "period", "gname": "cohort", "cluster": "cluster"}
    event_study = pyfixest.event_study(panel, estimator="saturated", **names)
    other = []
    for name, effect, error in _table(event_study):
        since, cohort = (float(part.split("::")[1]) for part in name.split(":f"))
        other.append([cohort, since, effect, error])
    events = [[e, one["effect"], one["se"]] for e, one in found.event_study_effects.items()]
    return {
        "diff_diff": {"cells": _plain(cells), "event": _plain(events)},
        "pyfixest": {"cells": _plain(other)},
    }


def _two_way(panel: pd.DataFrame) -> Answers:
    """The coefficient of being exposed with unit and period effects."""
    import pyfixest
    from linearmodels import PanelOLS

    one = pyfixest.feols("outcome ~ exposed | unit + period", panel, vcov={"CRV1": "cluster"})
    data = panel.set_index(["unit", "period"])
    two = PanelOLS(data["outcome"], data[["exposed"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", clusters=data[["cluster"]], debiased=False, auto_df=False, count_effects=False
    )
    return {
        "pyfixest": {"simple": [float(one.coef().iloc[0]), float(one.se().iloc[0])]},
        "linearmodels": {"simple": [float(two.params["exposed"]), float(two.std_errors["exposed"])]},
    }


def _comparisons(panel: pd.DataFrame) -> Answers:
    """The comparisons inside that coefficient: kind, treated, compared (0: never), weight, estimate.

    No second program decomposes it. pyfixest makes each estimate anew from the two cohorts alone, and the coefficient
    itself, which the weighted estimates must sum to.
    """
    import pyfixest
    from diff_diff import BaconDecomposition

    shape = {"outcome": "outcome", "unit": "unit", "time": "period", "first_treat": "cohort"}
    found = BaconDecomposition(weights="exact").fit(panel, **shape)
    rows, again = [], []
    for one in found.comparisons:
        never = isinstance(one.control_group, str)
        compared = 0 if never else int(one.control_group)
        treated = int(one.treated_group)
        rows.append([one.comparison_type, treated, compared, float(one.weight), float(one.estimate)])
        pair = panel[panel["cohort"].isin([treated, compared])]
        if one.comparison_type == "earlier_vs_later":
            pair = pair[pair["period"] < compared]
        if one.comparison_type == "later_vs_earlier":
            pair = pair[pair["period"] >= compared]
        alone = pyfixest.feols("outcome ~ exposed | unit + period", pair).coef().iloc[0]
        again.append([one.comparison_type, treated, compared, None, float(alone)])
    whole = pyfixest.feols("outcome ~ exposed | unit + period", panel).coef().iloc[0]
    return {"diff_diff": {"comparisons": rows}, "pyfixest": {"comparisons": again, "coefficient": float(whole)}}


def _triple_difference(panel: pd.DataFrame) -> Answers:
    """Effects by cohort and period, the never exposed as comparison, errors by person."""
    import moderndid
    import polars as pl
    from diff_diff import StaggeredTripleDifference

    shape = {"outcome": "outcome", "unit": "unit", "time": "period", "first_treat": "cohort"}
    estimator = StaggeredTripleDifference(estimation_method="reg", control_group="nevertreated")
    found = estimator.fit(panel, **shape, eligibility="eligible", aggregate="event_study")
    cells = [[g, t, one["effect"], one["se"]] for (g, t), one in found.group_time_effects.items()]
    other = moderndid.ddd(
        pl.from_pandas(panel), yname="outcome", tname="period", idname="unit", gname="cohort", pname="eligible",
        control_group="nevertreated", base_period="varying", est_method="reg",
    )  # fmt: skip
    again = zip(
        *(np.asarray(values, dtype=float) for values in (other.groups, other.times, other.att, other.se)), strict=True
    )
    return {"diff_diff": {"cells": _plain(cells)}, "moderndid": {"cells": _plain(again)}}


def _bounded_trends(panel: pd.DataFrame) -> Answers:
    """Robust intervals of the mean effect after the start, from one event study given to both programs.

    `given` is that event study: effects, covariance and the number of periods before, the last of which is the base.
    """
    from diff_diff import HonestDiD, MultiPeriodDiD
    from moderndid import create_sensitivity_results_rm, create_sensitivity_results_sm

    pair = panel[panel["cohort"].isin([0, 5])].assign(ever=lambda rows: (rows["cohort"] > 0).astype(int))
    study = MultiPeriodDiD(cluster="cluster").fit(
        pair,
        outcome="outcome",
        treatment="ever",
        time="period",
        post_periods=[5, 6, 7, 8],
        unit="unit",
        reference_period=4,
    )
    study.df_inference = None
    periods = [p for p in sorted(study.period_effects) if p != 4]
    effect = np.array([study.period_effects[p].effect for p in periods])
    at = [study.interaction_indices[p] for p in periods]
    covariance = study.vcov[np.ix_(at, at)]
    pre = sum(int(p < 4) for p in periods)
    after = len(periods) - pre
    average = np.full(after, 1 / after)
    answers: dict[str, Any] = {"diff_diff": {}, "moderndid": {}}
    for name, method, bounds in (
        ("magnitudes", "relative_magnitude", DRIFTS),
        ("smoothness", "smoothness", SMOOTHNESS),
    ):
        rows = []
        for bound in bounds:
            found = HonestDiD(method=method, M=bound).fit(study)
            rows.append([bound, found.ci_lb, found.ci_ub])
        answers["diff_diff"][name] = _plain(rows)
    given = {
        "sigma": covariance,
        "num_pre_periods": int(pre),
        "num_post_periods": after,
        "l_vec": average.reshape(-1, 1),
    }
    grid = {"grid_lb": -0.5, "grid_ub": 2.5, "grid_points": 3000}
    magnitudes = create_sensitivity_results_rm(effect, m_bar_vec=np.array(DRIFTS), method="C-LF", **given, **grid)
    smooth = create_sensitivity_results_sm(effect, m_vec=np.array(SMOOTHNESS), method="FLCI", **given)
    for name, bounds, table in (("magnitudes", DRIFTS, magnitudes), ("smoothness", SMOOTHNESS, smooth)):
        ends = zip(bounds, np.ravel(table["lb"]), np.ravel(table["ub"]), strict=True)
        answers["moderndid"][name] = _plain(ends)
    study_given = {"effect": effect.tolist(), "covariance": covariance.tolist(), "pre": pre}
    return answers | {"given": study_given}


def _wild_bootstrap(panel: pd.DataFrame) -> Answers:
    """The p-value of exposure in a regression of gains on exposure and x1, 10 places, all 1,024 sign samples."""
    import statsmodels.api as sm
    from diff_diff import wild_bootstrap_se
    from wildboottest.wildboottest import wildboottest

    gains = gains_of(panel)
    design = np.column_stack([np.ones(len(gains)), gains["exposed"], gains["x1"]])
    outcome, place = gains["gain"].to_numpy(), gains["cluster"].to_numpy()
    fitted = sm.OLS(outcome, pd.DataFrame(design, columns=["one", "exposed", "x1"]))
    one = wildboottest(
        fitted, B=99_999, cluster=pd.Series(place), param="exposed", bootstrap_type="11", seed=1, show=False
    )
    residuals = fitted.fit().resid.to_numpy()
    two = wild_bootstrap_se(design, outcome, residuals, place, 1, n_bootstrap=99_999, seed=1)
    return {
        "wildboottest": {"p_value": float(np.ravel(one["p-value"])[0]), "t": float(np.ravel(one["statistic"])[0])},
        "diff_diff": {"p_value": float(two.p_value), "value": float(fitted.fit().params["exposed"])},
    }


def gains_of(panel: pd.DataFrame) -> pd.DataFrame:
    """Return each person's gain from period 4 to 5 in the first 10 places with people of cohort 5 or never exposed."""
    chosen = panel[panel["cohort"].isin([0, 5])]
    places = np.sort(chosen["cluster"].unique())[:BOOTSTRAP_PLACES]
    chosen = chosen[chosen["cluster"].isin(places)].sort_values(["unit", "period"])
    before, after = (chosen[chosen["period"] == period].reset_index(drop=True) for period in (4, 5))
    gain = after["outcome"] - before["outcome"]
    return pd.DataFrame(
        {"gain": gain, "exposed": (after["cohort"] == 5).astype(int), "x1": after["x1"], "cluster": after["cluster"]}
    )


def _table(found: Any) -> list[tuple[str, float, float]]:
    table = found.tidy()
    return [(str(name), float(row["Estimate"]), float(row["Std. Error"])) for name, row in table.iterrows()]


def _plain(rows: Any) -> list[list[Any]]:
    return [[value if isinstance(value, str) else _number(value) for value in row] for row in rows]


def _number(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
