"""Recovery of known effects with correlated unobserved heterogeneity: `python -m tests.simulation.timing_of_events`.

The worlds are those of `timing_of_events_worlds`. Every draw is kept in `timing_of_events_draws.csv`, which is
committed, so that a run on any machine adds draws and repeats none; before it adds, it makes the first of those kept
again, and stops where this code gives something else. The summary, `timing_of_events.csv`, is of all draws kept.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from evaluator.backends import backend
from evaluator.estimators.mixed_hazards.frame import Columns
from evaluator.estimators.mixed_hazards.mass_points import Search
from evaluator.estimators.timing_of_events import Setting, TimingOfEvents, anticipation, stays_away, timing_of_events
from evaluator.vocabulary import Light
from tests.simulation import coverage
from tests.simulation.timing_of_events_worlds import EXITS, MODELS, PIECES, TRUTH, WORLDS, asked, draw, draw_no_shows

DRAWS = Path(__file__).with_name("timing_of_events_draws.csv")
TABLE = Path(__file__).with_suffix(".csv")
SEARCH = Search(points=5, starts=3)
EFFECTS = tuple(f"{leaving}.{piece}" for leaving in EXITS for piece in PIECES)
KEY = ("world", "model", "persons", "seed")
KEPT = (
    *KEY, "effect", "value", "se", "naive", "naive_se", "bic", "points", "bic_points", "is_flagged", "is_state_flagged",
)  # fmt: skip
"""Per draw and effect: with the number of mass points of AIC, without heterogeneity, and with the number of BIC."""
COLUMNS = (
    "world", "model", "persons", "effect", "draws", "truth", "bias", "bias_error", "coverage_percent", "sd", "mean_se",
    "bias_without_heterogeneity", "coverage_without_heterogeneity_percent", "bias_bic", "flagged_percent",
    "state_flagged_percent", "mean_points", "verdict",
)  # fmt: skip
ASKED = {"plain": 300, "anticipated": 300, "no_shows": 60, "no_shows_anticipated": 60}
SAME = 1e-3
"""How far a draw that is made again may be from the one kept: other processors round otherwise."""
Row = dict[str, Any]


def rows(world: str, persons: int, seed: int) -> list[Row]:
    """Return a row for each model and effect in one draw."""
    made = (draw if MODELS[world] == ("sanction",) else draw_no_shows)(world, persons, seed)
    return [row for model in MODELS[world] for row in _rows(world, model, made, seed)]


def _rows(world: str, model: str, made: pl.DataFrame, seed: int) -> Iterator[Row]:
    frame, question = asked(model, made)
    hazards = len(EXITS) + len(question["treatments"]) + len(question.get("states", ()))
    search = replace(SEARCH, least_gain=1.0 + hazards)  # what AIC asks of a mass point
    setting = Setting(risk_sets=question.pop("risk_sets"), search=search)
    fit = timing_of_events(
        frame, exits=EXITS, covariates=("x1", "x2"), columns=Columns(state="state"), setting=setting, **question
    )
    assert isinstance(fit, TimingOfEvents), fit
    by_bic = min(fit.path, key=lambda one: one.criterion("bic"))
    named = {"world": world, "model": model, "persons": made["person_id"].n_unique(), "seed": seed}
    ((first, later),) = fit.treatments.values()
    for leaving in EXITS:
        flagged = anticipation(fit.chosen, leaving, first, later).verdict is Light.AMBER
        is_before = f"{leaving}.no_show" in fit.chosen.labels
        before = int(stays_away(fit.chosen, leaving, "no_show").verdict is Light.AMBER) if is_before else ""
        for piece, column in zip(PIECES, (first, later), strict=True):
            one, none = (each.estimate(f"{leaving}.{column}") for each in (fit.chosen, fit.path[0]))
            numbers = {"value": one.value, "se": one.se, "naive": none.value, "naive_se": none.se}
            numbers["bic"] = by_bic.estimate(f"{leaving}.{column}").value
            yield {
                **{**named, "effect": f"{leaving}.{piece}"},
                **{name: f"{number:.5f}" for name, number in numbers.items()},
                **{"points": fit.chosen.number, "bic_points": by_bic.number},
                **{"is_flagged": int(flagged), "is_state_flagged": before},
            }


def kept() -> pl.DataFrame:
    """Return the draws that are kept; one that was cut off in its middle is none."""
    if not DRAWS.exists():
        DRAWS.write_text(",".join(KEPT) + "\n", encoding="utf-8")
    types = dict.fromkeys(KEPT, pl.Float64) | dict.fromkeys(("world", "model", "effect"), pl.String)
    types |= dict.fromkeys(("persons", "seed", "points", "bic_points", "is_flagged", "is_state_flagged"), pl.Int64)
    text = DRAWS.read_bytes().rpartition(b"\n")[0] + b"\n"
    table = pl.read_csv(text, schema_overrides=types)
    return table.unique([*KEY, "effect"], keep="first", maintain_order=True).filter(
        pl.len().over("world", "persons", "seed")
        == len(EFFECTS) * pl.col("world").replace_strict({name: len(MODELS[name]) for name in WORLDS})
    )


def add(world: str, persons: int, seeds: int, workers: int) -> None:
    """Make the draws of seeds 1..seeds that are not kept yet and keep each as it is made.

    Raises SystemExit where the first draw kept is not what this code makes.
    """
    before = kept()
    before.write_csv(DRAWS, float_precision=5)
    before = before.filter(world=world, persons=persons)
    make = partial(rows, world, persons)
    if len(before):
        first = before.filter(seed=before["seed"][0])
        again = pl.DataFrame(make(int(before["seed"][0])))["value"].cast(pl.Float64)
        if float((first["value"] - again).abs().max()) > SAME:  # type: ignore[arg-type]
            raise SystemExit(f"{DRAWS.name}: '{world}' was made by other code; remove its rows and run again")
    missing = sorted(set(range(1, seeds + 1)) - set(before["seed"]))
    for start in range(0, len(missing), workers):
        made = backend(workers).map(make, missing[start : start + workers])
        with DRAWS.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, KEPT, lineterminator="\n").writerows(row for each in made for row in each)
            file.flush()
            os.fsync(file.fileno())
        print(f"{world}, {persons} persons: {start + len(made)} of {len(missing)} draws", flush=True)


def summary(table: pl.DataFrame) -> Iterator[Row]:
    """Yield a row per world, model, size and effect, and what the limits say.

    They are a bias of at most 5 % of the effect and two simulation errors, and coverage within two errors of 95 %.
    """
    for (world, model, persons, effect), part in table.group_by(["world", "model", "persons", "effect"]):
        truth, draws = TRUTH[str(effect).split(".")[0]], len(part)
        error, naive, by_bic = (part[name] - truth for name in ("value", "naive", "bic"))
        inside, naive_inside = (
            100 * float(((part[value] - truth).abs() <= coverage.NORMAL * part[se]).mean())  # type: ignore[arg-type]
            for value, se in (("value", "se"), ("naive", "naive_se"))
        )
        bias, off = float(error.mean()), float(error.std() or "nan") / draws**0.5  # type: ignore[arg-type]
        near = abs(bias) <= 0.05 * truth + 2 * off
        compatible = abs(inside - 95) <= 100 * 2 * (0.95 * 0.05 / draws) ** 0.5
        state = part["is_state_flagged"].mean()
        yield {
            **{"world": world, "model": model, "persons": persons, "effect": effect, "draws": draws, "truth": truth},
            **{"bias": f"{bias:.4f}", "bias_error": f"{off:.4f}", "coverage_percent": f"{inside:.1f}"},
            **{"sd": f"{off * draws**0.5:.4f}", "mean_se": f"{part['se'].mean():.4f}"},
            "bias_without_heterogeneity": f"{naive.mean():.4f}",
            "coverage_without_heterogeneity_percent": f"{naive_inside:.1f}",
            "bias_bic": f"{by_bic.mean():.4f}",
            "flagged_percent": f"{100 * float(part['is_flagged'].mean()):.1f}",  # type: ignore[arg-type]
            "state_flagged_percent": "" if state is None else f"{100 * float(state):.1f}",  # type: ignore[arg-type]
            "mean_points": f"{part['points'].mean():.2f}",
            "verdict": "holds" if near and compatible else "bias" if not near else "coverage",
        }


def write_summary() -> None:
    """Write the table of all draws kept."""
    places = (*WORLDS, *EFFECTS)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            sorted(
                summary(kept()),
                key=lambda row: (
                    places.index(row["world"]),
                    row["model"],
                    row["persons"],
                    places.index(row["effect"]),
                ),
            )
        )


def main() -> None:
    """Add draws, by default `ASKED` of 5,000 persons in each world, and write the summary."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--draws", type=int)
    options.add_argument("--persons", type=int, default=5000)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--world", choices=WORLDS, action="append")
    chosen = options.parse_args()
    for world in chosen.world or WORLDS:
        add(world, chosen.persons, chosen.draws or ASKED[world], chosen.workers)
    write_summary()
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
