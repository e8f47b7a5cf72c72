"""Invented released tables of four runs: in steps, one municipality, sanctions, and a refused one."""

# ruff: noqa: E501  (rows of a table read best on one line)

from __future__ import annotations

import math
from datetime import date
from typing import Any

import release_robustness

from evaluator.release import COLUMNS

RUNS = {"trappe": "a1b2c3d4e5f60001", "horsens": "a1b2c3d4e5f60002", "sanktioner": "a1b2c3d4e5f60003"}
RUNS["refused"] = "a1b2c3d4e5f60004"

FIFTEEN = [
    "Aabenraa",
    "Ballerup",
    "Egedal",
    "Esbjerg",
    "Faxe",
    "Favrskov",
    "Greve",
    "Haderslev",
    "Hjørring",
    "Holstebro",
    "Køge",
    "Odder",
    "Randers",
    "Ringkøbing-Skjern",
    "Ærø",
]
STATES = {
    "job": (0.081, 0.058),
    "education": (0.118, 0.101),
    "benefit": (0.712, 0.758),
    "self_support": (0.072, 0.066),
    "left_register": (0.017, 0.017),
    "entry_benefit": (0.601, 0.652),
    "other_benefit": (0.089, 0.086),
    "supported_work": (0.022, 0.020),
}


def connection(path: str = ":memory:") -> Any:
    """Return a DuckDB connection with the four runs released."""
    import duckdb

    store = duckdb.connect(path)
    fill(store)
    return store


def fill(store: Any) -> None:
    """Create the released tables of the four runs in an open store."""
    store.execute("create schema if not exists release")
    for table, columns in COLUMNS.items():
        quoted = ", ".join('"{}" {}'.format(*column.replace('"', "").split()) for column in columns.split(", "))
        store.execute(f"create table release.{table} (run_id text, {quoted})")
    for release in (_trappe, _horsens, _sanktioner, _refused):
        release(store)


def put(store: Any, run: str, table: str, **values: Any) -> None:
    """Insert one row into a released table of a run."""
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" for _ in values)
    store.execute(
        f"insert into release.{table} (run_id, {names}) values (?, {marks})", [RUNS.get(run, run), *values.values()]
    )


def copy(store: Any, run: str, name: str, *changes: str) -> str:
    """Copy a run to another name, change it by SQL in which `{run}` selects its rows, and return the name."""
    for table in COLUMNS:
        store.execute(f"delete from release.{table} where run_id = ?", [name])
        store.execute(
            f"insert into release.{table} select * replace (? as run_id) from release.{table} where run_id = ?",
            [name, RUNS[run]],
        )
    for change in changes:
        store.execute(change.format(run=f"run_id = '{name}'"))
    return name


def facts(store: Any, run: str, **values: Any) -> None:
    """Insert facts of a run, with those that all runs share."""
    shared = {
        "created_at": "2026-11-21T10:15:00",
        "is_exploratory": "false",
        "runs_on_intervention": "1",
        "spec_hash": "5f2c9d1e" * 8,
        "extract_hash": "7710aa42" * 8,
        "code_hash": "c0de1234" * 8,
        "seed": "20170101",
        "data_from": "2014-01-01",
        "data_to": "2019-12-31",
        "period": "month",
    }
    for key, value in {**shared, **values}.items():
        put(store, run, "run", key=key, value=str(value))


def _common(store: Any, run: str, caveats: tuple[str, ...]) -> None:
    for position, text in enumerate(caveats, 1):
        put(store, run, "caveats", position=position, text=text)
    for extract, rows, rejected in (("personer", 61204, 0), ("ydelser", 184322, 3), ("sagstal", 24810, 0)):
        put(store, run, "deliveries", extract=extract, file=f"{extract}_2019.csv", rows=rows, rejected=rejected,
            period_from=date(2014, 1, 1), period_to=date(2019, 12, 31), sha256="ab12cd34" * 8)  # fmt: skip
    for table, rule, severity, passed, unexpected, notes in (
        ("staging.stg_benefit_spells", "unique(person_id, from_on)", "critical", True, 0, "En dublet tæller én borger to gange."),
        ("staging.stg_benefit_spells", "one_of(benefit_code)", "warning", False, 14, "Ukendte ydelseskoder regnes som anden ydelse."),
        ("staging.stg_paid_hours", "between(paid_hours, 0, 400)", "critical", True, 0, "Timer om måneden ligger mellem 0 og 400."),
    ):  # fmt: skip
        put(store, run, "quality", table_name=table, rule=rule, severity=severity, passed=passed, rows=184322,
            unexpected=unexpected, notes=notes)  # fmt: skip


def _estimate(store: Any, run: str, outcome: str, value: float, half: float, **more: Any) -> None:
    row = {"outcome": outcome, "aggregate": "overall", "value": value, "low": value - half, "high": value + half,
           "se": half / 2.14, "band_low": value - 1.4 * half, "band_high": value + 1.4 * half, "p_value": 0.01,
           "method": "leave_one_cluster_out", "n": 8420, "clusters": 98, "treated_clusters": 15, "unit": "share",
           "status": "estimated", "is_primary": False, "is_partly_exposed": False}  # fmt: skip
    put(store, run, "estimates", **{**row, **more})


def _diagnostics(store: Any, run: str, rows: tuple[tuple[str, str, float | None, str, str, str], ...]) -> None:
    for name, label, value, threshold, verdict, why in rows:
        put(
            store,
            run,
            "diagnostics",
            name=name,
            label=label,
            value=value,
            threshold=threshold,
            verdict=verdict,
            why=why,
        )


def _trappe(store: Any) -> None:
    run = "trappe"
    facts(store, run, name="trappe", title="Færre sager i 15 kommuner", kind="caseload", estimator="group_time",
          question="Kommer flere i job eller uddannelse, når sagsbehandlerne får halvt så mange sager?",
          claim="Dobbelt så mange kommer i job, når sagstallet halveres.", primary_outcome="job", horizon_weeks=52,
          treated_municipalities=", ".join(FIFTEEN), n_treated=15, n_comparison=83, persons_treated=8420,
          persons_comparison=41265, pool="not_yet", excluded_donors="", anticipation_months=3,
          first_start="2016-04-01", answer_kind="effect", credibility="green", plausibility="green", curve_choices=9,
          curve_joint_choices=9, curve_assignments=199, curve_p=0.015, bounds_searched=5.0,
          decomposition_municipalities=90, family_size=2)  # fmt: skip
    _common(store, run, (
        "Sammenligningen er med kommunerne, som de var; nogle af dem investerede også i de år.",
        "Målt 52 uger efter start på ydelsen; om forskellen holder længere, er ikke undersøgt.",
        "Borgere, der begyndte før indsatsens start, er kun delvist omfattet og indgår ikke i hovedtallet.",
    ))  # fmt: skip
    for outcome, value, half in (("job", 0.023, 0.011), ("education", 0.017, 0.013), ("benefit", -0.046, 0.019),
                                 ("self_support", 0.006, 0.009), ("left_register", 0.0, 0.004),
                                 ("entry_benefit", -0.051, 0.02), ("other_benefit", 0.003, 0.011),
                                 ("supported_work", 0.002, 0.005), ("paid_hours_any", 0.034, 0.014),
                                 ("paid_hours_20", 0.027, 0.013), ("paid_hours_87", 0.012, 0.012)):  # fmt: skip
        p_family = {"job": 0.0004, "education": 0.094}.get(outcome)
        _estimate(store, run, outcome, value, half, horizon_weeks=52, is_primary=outcome == "job", relevant_change=0.02,
                  p_family=p_family)  # fmt: skip
        _estimate(store, run, outcome, value / 2, half, horizon_weeks=26)
    _estimate(store, run, "sick_weeks", -0.31, 0.44, horizon_weeks=52, unit="weeks")
    for at in range(-30, 25):
        partly = -12 <= at < 0
        value = (0.023 if at >= 0 else 0.011 * (at + 13) / 12 if partly else 0.0) + 0.005 * math.sin(at * 1.7)
        if at == 24:
            put(
                store, run, "estimates", outcome="job", horizon_weeks=52, aggregate="event", at=at,
                at_label=f"{at} måneder", unit="share", status="not_estimable", reason="Under fem kommuner med indsats",
                what_would_help="Flere måneder med data", is_primary=False, is_partly_exposed=False)  # fmt: skip
            continue
        _estimate(store, run, "job", value, 0.012 + 0.0005 * abs(at), horizon_weeks=52, aggregate="event", at=at,
                  at_label=f"{at} måneder", is_partly_exposed=partly, n=180)  # fmt: skip
    put(store, run, "before_after", outcome="job", horizon_weeks=52, before=0.049, after=0.081, change=0.032,
        counterfactual_after=0.058, effect=0.023, unit="share", status="estimated")  # fmt: skip
    for month in range(72):
        on = date(2014 + month // 12, month % 12 + 1, 1)
        base = 0.046 + 0.0002 * month + 0.004 * math.sin(month / 3)
        gain = 0.023 * min(1.0, max(0.0, (month - 27) / 20))
        for arm, share, persons in (("treated", base + gain, 185), ("comparison", base + 0.004, 905)):
            hidden = arm == "treated" and month == 40
            put(store, run, "means", outcome="job", horizon_weeks=52, arm=arm, period_on=on,
                persons=None if hidden else persons, share=None if hidden else share,
                status="suppressed" if hidden else "estimated")  # fmt: skip
    for state, (treated, counterfactual) in STATES.items():
        put(store, run, "end_states", arm="treated", state=state, persons=8420, share=treated,
            status="estimated")  # fmt: skip
        put(store, run, "end_states", arm="counterfactual", state=state, share=counterfactual, status="estimated")
    release_robustness.fill(put, store, run)
    for position, name in enumerate(FIFTEEN):
        after = (36, 38, 35, 52, 66)[position % 5]
        share = (70 - after) / 35
        verdict = "delivered" if share >= 0.75 else "partly" if share >= 0.25 else "not_delivered"
        values = {"measured_before": 70 + position % 3, "measured_after": after, "delivered_share": share}
        if position == 14:
            values, verdict = {}, "not_measured"
        put(store, run, "delivery", municipality_code=f"{300 + position}", municipality_name=name,
            start_on=date(2016, 4 + position % 9, 1), planned_before=70, planned_after=35, verdict=verdict, **values)  # fmt: skip
        for month in range(0, 72, 2):
            done = min(1.0, max(0.0, (month - 26 - position % 9) / 6))
            put(store, run, "caseload_path", municipality_name=name, month=date(2014 + month // 12, month % 12 + 1, 1),
                caseload=round(71 - done * (70 - after) + 2 * math.sin(month + position)), status="estimated")  # fmt: skip
    for grouping, name, persons, value, half, status in (
        ("age_group", "18-24", 2310, 0.034, 0.015, "estimated"), ("age_group", "25-29", 1890, 0.027, 0.016, "estimated"),
        ("age_group", "30-49", 3010, 0.014, 0.013, "estimated"), ("age_group", "50-66", 1210, 0.004, 0.019, "estimated"),
        ("target_group", "aktivitetsparat", 8120, 0.022, 0.011, "estimated"),
        ("target_group", "aabenlyst_uddannelsesparat", None, None, None, "suppressed"),
        ("target_group", "jobparat", 280, None, None, "not_estimable"),
    ):  # fmt: skip
        put(store, run, "groups", grouping=grouping, group_name=name, persons=persons, value=value, status=status,
            low=value - half if half else None, high=value + half if half else None,
            reason="Under 3 kommuner med mindst 20 personer" if status == "not_estimable" else None)  # fmt: skip
    _diagnostics(store, run, (
        ("treated_clusters", "Antal kommuner med indsatsen", 15, "mindst 15", "green", "Få kommuner giver usikre intervaller."),
        ("pre_trend", "Samme udvikling før start", 0.41, "p over 0,10", "green", "Forskel før start kan ikke skyldes indsatsen."),
        ("composition", "Samme borgere før og efter", 0.63, "p over 0,01", "green", "Indsatsen må ikke ændre, hvem der begynder."),
        ("breakdown", "Tåler skæv udvikling", 1.3, "mindst 1", "green", "Hvor stor en skævhed der skal til, før svaret falder."),
    ))  # fmt: skip


def _horsens(store: Any) -> None:
    run = "horsens"
    facts(store, run, name="horsens", title="Horsens: færre sager, mere tid", kind="caseload", period="quarter",
          question="Faldt antallet af modtagere mere i Horsens, end det ellers ville være gjort?",
          claim="Antallet faldt fra 198 til 164 på et år.", primary_outcome="recipients", horizon_weeks="",
          estimator="mean_log_change", treated_municipalities="Horsens", n_treated=1, n_comparison=86,
          persons_treated=180, persons_comparison=21405, pool="never", excluded_donors="Ballerup, Hjørring, Silkeborg",
          first_start="2017-01-01", answer_kind="undecided", credibility="amber", plausibility="none",
          is_exploratory="true", runs_on_intervention=3, data_from="2007-01-01", data_to="2019-12-31", source="kommunepanel",
          rank=26, rank_of=87, p_below=0.299, p_two_sided=0.414, scaled_rank=20, scaled_p_below=0.23,
          scaled_p_two_sided=0.44, municipalities_unknown=4, municipalities_below_minimum=7, minimum_level="40")  # fmt: skip
    _common(store, run, (
        "Tallene er nettoledige kontanthjælpsmodtagere. Det er ikke projekternes målgruppe af unge aktivitetsparate.",
        "Én kommune er én observation; usikkerheden kommer fra, hvor meget andre kommuner svinger.",
        "Celler med nul eller uden tal er ukendte for logaritmer; 11 kommuner er derfor uden for puljen.",
        "Nogle af sammenligningskommunerne investerede også i de år.",
    ))  # fmt: skip
    _estimate(store, run, "recipients", -0.113, 0, low=-0.559, high=0.229, se=None, band_low=None, band_high=None,
              p_value=0.414, method="randomisation", n=180, clusters=87, treated_clusters=1, unit="log",
              is_primary=True, relevant_change=0.05)  # fmt: skip
    _estimate(store, run, "recipients", -0.113, 0, low=-0.61, high=0.28, se=None, band_low=None, band_high=None, p_value=0.44,
              aggregate="overall_scaled", method="randomisation_scaled", n=180, clusters=87, treated_clusters=1, unit="log")  # fmt: skip
    put(store, run, "before_after", outcome="recipients", before=198, after=165, change=165 / 198 - 1,
        counterfactual_after=165 * math.exp(0.113), effect=-0.113, unit="log", status="estimated")  # fmt: skip
    for quarter in range(52):
        on = date(2007 + quarter // 4, 3 * (quarter % 4) + 1, 1)
        trend = 190 + 60 * math.sin(quarter / 9)
        put(store, run, "means", outcome="recipients", arm="treated", period_on=on, persons=round(trend / 5) * 5,
            share=trend / 190, status="estimated")  # fmt: skip
        put(store, run, "means", outcome="recipients", arm="comparison", period_on=on, persons=21405,
            share=(trend + 40 * math.cos(quarter / 7)) / 200, status="estimated")  # fmt: skip
    effects = sorted([0.22 * math.sin(7 * i) + 0.12 * math.cos(3.3 * i) for i in range(86)] + [-0.113])
    for rank, value in enumerate(effects, 1):
        put(store, run, "placebos", outcome="recipients", rank=rank, effect=value, scaled=value / 0.2,
            is_treated=value == -0.113, size_band=("40–119", "120–399", "400 og over")[rank % 3])  # fmt: skip
    put(store, run, "delivery", municipality_code="615", municipality_name="Horsens", start_on=date(2017, 1, 1),
        planned_before=70, planned_after=35, verdict="not_measured")  # fmt: skip
    _diagnostics(store, run, (
        ("treated_clusters", "Antal kommuner med indsatsen", 1, "mindst 15", "amber", "Med én kommune kan kun meget store forskelle ses."),
        ("placebo_dates", "Falsk startdato et år før", 0.38, "p over 0,10", "green", "Et udslag før start ville vække mistanke."),
        ("composition", "Samme borgere før og efter", None, "p over 0,01", "not_run", "Kræver oplysninger om den enkelte borger."),
    ))  # fmt: skip


def _sanktioner(store: Any) -> None:
    run = "sanktioner"
    facts(store, run, name="sanktioner", title="Sanktioner og afgang fra kontanthjælp", kind="sanction",
          question="Følges flere sanktioner af mere afgang, og hvorhen?", primary_outcome="exit_self_support",
          horizon_weeks=52, estimator="municipality_panel", n_treated=98, n_comparison=0, persons_treated=60040,
          pool="never", answer_kind="association", credibility="amber", plausibility="none")  # fmt: skip
    _common(store, run, (
        "Sanktioner følger ofte efter udeblivelser, og nogle udebliver, fordi de har fundet job.",
        "Beregningen viser, hvad der følges ad i kommunerne, ikke hvad der er årsag.",
        "Omgjorte sanktioner er talt med, fordi borgeren mærkede dem, da de blev givet.",
    ))  # fmt: skip
    for outcome, value, half in (("exit_job", 0.0001, 0.0006), ("exit_education", -0.0001, 0.0002),
                                 ("exit_other_benefit", 0.0002, 0.0004), ("exit_self_support", 0.0009, 0.0004)):  # fmt: skip
        _estimate(store, run, outcome, value, half, unit="rate", treated_clusters=98, method="cluster", n=60040,
                  is_primary=outcome == "exit_self_support")  # fmt: skip
    _diagnostics(store, run, (
        ("reverse", "Afgang før sanktionen", 0.07, "p over 0,10", "amber", "Ændringer før sanktionen peger på andre forklaringer."),
    ))  # fmt: skip


def _refused(store: Any) -> None:
    run = "refused"
    facts(store, run, name="for-faa", title="To kommuner med møder hver uge", kind="meeting", estimator="group_time",
          question="Hjælper ugentlige møder?", primary_outcome="job", horizon_weeks=52, n_treated=2, n_comparison=96,
          treated_municipalities="Fanø, Læsø", persons_treated=70, persons_comparison=50210, pool="not_yet",
          first_start="2014-02-01", answer_kind="refused", credibility="red", plausibility="none")  # fmt: skip
    _common(store, run, ("Der er ikke set på udfald efter start.",))
    put(store, run, "refusals", outcome="job", reason="Der er kun én periode før indsatsens start.",
        what_would_help="Udtræk, der går mindst 24 måneder længere tilbage.")  # fmt: skip
    _estimate(store, run, "job", 0.7777, 0.1111, horizon_weeks=52, is_primary=True)
    put(store, run, "before_after", outcome="job", horizon_weeks=52, before=0.1, after=0.8777, change=0.7777,
        counterfactual_after=0.1, effect=0.7777, unit="share", status="estimated")  # fmt: skip
    _diagnostics(store, run, (
        ("pre_periods", "Perioder før start", 1, "mindst 2", "red", "Uden to perioder før start kan udviklingen ikke sammenlignes."),
    ))  # fmt: skip
