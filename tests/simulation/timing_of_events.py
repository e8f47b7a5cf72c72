"""Recovery of known effects with correlated unobserved heterogeneity: `python -m tests.simulation.timing_of_events`.

In the style of Gaure, Roed and Zhang (2007): persons who leave benefit for work or for nothing, and may be sanctioned
on the way. Those hard to place are sanctioned most, so the model without heterogeneity is wrong. In the world
`anticipated` a person who has found work is sanctioned far more often in the four weeks before it begins. Draws are
kept under `build/simulation`; an interrupted run goes on. The table, `timing_of_events.csv`, is committed.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from evaluator.estimators.mixed_hazards.frame import Columns
from evaluator.estimators.mixed_hazards.mass_points import Search
from evaluator.estimators.timing_of_events import Setting, TimingOfEvents, anticipation, timing_of_events
from evaluator.vocabulary import Light
from tests.simulation import coverage

TABLE = Path(__file__).with_suffix(".csv")
WORLDS = ("plain", "anticipated")
EXITS, TREATMENT = ("job", "self_support"), "sanction"
TRUTH = {"job": 0.25, "self_support": 0.6}
"""Log hazard ratios at any time after the sanction."""
PIECES = ("after_0_4", "after_5_on")
SLOPES = np.array([[0.8, -0.4], [-0.3, 0.5], [-0.5, -0.5]])
"""Of the two traits, in the hazards to job, to self-support and to a sanction."""
KINDS = np.array([[-2.6, -4.2, -5.2], [-3.8, -4.6, -3.8], [-5.0, -3.3, -3.0]])
"""Log weekly hazards of three kinds of person: the readier for work, the less sanctioned."""
SHARES = np.array([0.4, 0.35, 0.25])
FOLLOWED, SOON, NOTICE, ALARMED = 104.0, 5.0, 4.0, 10.0
"""Weeks followed; weeks of the first piece; weeks between finding work and its beginning; how many times the sanction
hazard is in them, in the world `anticipated`."""
SEARCH = Search(points=5, starts=3)
COLUMNS = (
    "world", "persons", "effect", "draws", "truth", "bias", "bias_error", "coverage_percent", "sd", "mean_se",
    "bias_without_heterogeneity", "coverage_without_heterogeneity_percent", "flagged_percent", "mean_points", "verdict",
)  # fmt: skip
CODE = (
    "evaluator/estimators/mixed_hazards", "evaluator/estimators/timing_of_events.py",
    "tests/simulation/timing_of_events.py",
)  # fmt: skip
CHUNK = 4
Row = dict[str, Any]


def draw(world: str, persons: int, seed: int) -> pl.DataFrame:
    """Return the rows of a draw: one up to the sanction, one for its first weeks, one for later."""
    random = np.random.default_rng([seed, WORLDS.index(world)])
    traits = random.standard_normal((persons, 2))
    hazard = np.exp(KINDS[random.choice(3, persons, p=SHARES)] + traits @ SLOPES.T)
    job, self_support = (random.exponential(1 / hazard[:, k]) for k in range(2))
    risk, found_at = random.exponential(1.0, persons), np.maximum(job - NOTICE, 0.0)
    sanction = risk / hazard[:, 2]
    if world == "anticipated":
        late = found_at + (risk - found_at * hazard[:, 2]) / (ALARMED * hazard[:, 2])
        sanction = np.where(sanction > found_at, late, sanction)
    first = np.minimum.reduce([job, self_support, sanction, np.full(persons, FOLLOWED)])
    treated = sanction == first
    stays = treated & (world == "anticipated") & (sanction > found_at)  # the work that was found begins when it would
    effect = np.exp([TRUTH[name] for name in EXITS])
    again = [first + random.exponential(1 / (hazard[:, k] * effect[k])) for k in range(2)]
    job = np.where(treated & ~stays, again[0], job)
    self_support = np.where(treated, again[1], self_support)
    end = np.minimum.reduce([job, self_support, np.full(persons, FOLLOWED)])
    why = np.select([end >= FOLLOWED, job <= self_support], ["none", "job"], "self_support")
    base = pl.DataFrame({"person_id": np.arange(persons), "x1": traits[:, 0], "x2": traits[:, 1]})

    def piece(start: Any, stop: Any, rows: Any, name: str) -> pl.DataFrame:
        ends = np.where(rows & (stop < end), TREATMENT if name == "before" else "none", why)
        return base.with_columns(
            duration=pl.Series(stop - start),
            transition=pl.Series(ends),
            state=pl.lit("free" if name == "before" else "treated"),
            **{each: pl.lit(float(each == name)) for each in PIECES},
        ).filter(pl.Series(rows))

    soon = np.minimum(end, first + SOON)
    return pl.concat(
        [
            piece(np.zeros(persons), first, np.ones(persons, dtype=bool), "before"),
            piece(first, soon, treated, PIECES[0]),
            piece(soon, end, treated & (end > soon), PIECES[1]),
        ]
    )


def rows(world: str, persons: int, seed: int) -> list[Row]:
    """Return a row for each effect in one draw."""
    fit = timing_of_events(
        draw(world, persons, seed),
        exits=EXITS,
        treatments={TREATMENT: PIECES},
        covariates=("x1", "x2"),
        columns=Columns(state="state"),
        setting=Setting(risk_sets={"free": (*EXITS, TREATMENT), "treated": EXITS}, search=SEARCH),
    )
    assert isinstance(fit, TimingOfEvents), fit
    made = []
    for leaving in EXITS:
        flag = anticipation(fit.chosen, leaving, *PIECES).verdict is Light.AMBER
        for piece in PIECES:
            one, none = (each.estimate(f"{leaving}.{piece}") for each in (fit.chosen, fit.path[0]))
            numbers = {"value": one.value, "se": one.se, "naive": none.value, "naive_se": none.se}
            named = {"seed": seed, "effect": f"{leaving}.{piece}", "truth": TRUTH[leaving], "points": fit.chosen.number}
            made.append({**named, **numbers, "is_flagged": flag})
    return made


def summary(world: str, persons: int, table: pl.DataFrame) -> Iterator[Row]:
    """Yield a row per effect, and what the limits say: bias at most 5 % of the effect and two simulation errors."""
    for (effect,), part in table.group_by("effect", maintain_order=True):
        error, naive = (part[name] - part["truth"] for name in ("value", "naive"))
        inside, naive_inside = (
            100 * float(((part[value] - part["truth"]).abs() <= coverage.NORMAL * part[se]).mean())  # type: ignore[arg-type]
            for value, se in (("value", "se"), ("naive", "naive_se"))
        )
        draws, truth = len(part), float(part["truth"][0])
        bias, off = float(error.mean()), float(error.std()) / draws**0.5  # type: ignore[arg-type]
        near = abs(bias) <= 0.05 * truth + 2 * off
        compatible = abs(inside - 95) <= 100 * 2 * (0.95 * 0.05 / draws) ** 0.5
        yield {
            **{"world": world, "persons": persons, "effect": effect, "draws": draws, "truth": truth},
            **{"bias": f"{bias:.4f}", "bias_error": f"{off:.4f}", "coverage_percent": f"{inside:.1f}"},
            **{"sd": f"{error.std():.4f}", "mean_se": f"{part['se'].mean():.4f}"},
            "bias_without_heterogeneity": f"{naive.mean():.4f}",
            "coverage_without_heterogeneity_percent": f"{naive_inside:.1f}",
            "flagged_percent": f"{100 * float(part['is_flagged'].mean()):.1f}",  # type: ignore[arg-type]
            "mean_points": f"{part['points'].mean():.2f}",
            "verdict": "holds" if near and compatible else "bias" if not near else "coverage",
        }


def main() -> None:
    """Run the worlds and write the table; rows of the same world and number of persons are replaced."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--draws", type=int, default=300)
    options.add_argument("--persons", type=int, default=5000)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--world", choices=WORLDS, action="append")
    chosen = options.parse_args()
    folder = coverage.ROOT / "build" / "simulation" / f"timing-{coverage.fingerprint(CODE)}"
    kept = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())) if TABLE.exists() else []
    for world in chosen.world or WORLDS:
        name = f"{world}-{chosen.persons}"
        found = coverage.draws(name, partial(rows, world, chosen.persons), chosen.draws, chosen.workers, folder, CHUNK)
        made = [{key: str(row[key]) for key in COLUMNS} for row in summary(world, chosen.persons, found)]
        kept = [row for row in kept if (row["world"], row["persons"]) != (world, str(chosen.persons))] + made
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
