"""Worlds of exits and sanctions with known effects, for the campaign of `tests.simulation.timing_of_events`.

In the style of Gaure, Roed and Zhang (2007): persons who leave benefit for work or for nothing, and may be sanctioned
on the way. Those hard to place are sanctioned most, so the model without heterogeneity is wrong. In the world
`anticipated` a person who has found work is sanctioned far more often in the four weeks before it begins. In the worlds
with no-shows a sanction follows them by way of a hearing, and in one of them they follow from work that was found.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

WORLDS = ("plain", "anticipated", "no_shows", "no_shows_anticipated")
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
STAGES = ("job", "self_support", "no_show", "hearing", "decision")
STAGED_SLOPES = np.array([[0.8, -0.4], [-0.3, 0.5], [-0.5, -0.3], [-0.2, -0.4]])
"""Of the two traits, in the hazards to job, to self-support, to a no-show and to a hearing."""
STAGED_KINDS = np.array([[-2.6, -4.2, -4.0, -6.0], [-3.8, -4.6, -3.2, -5.0], [-5.0, -3.3, -2.6, -4.3]])
AFTER_NO_SHOW, DECIDED = 20.0, 1.0
"""How many times the hazard of a hearing is in the weeks after a no-show; the weekly hazard of a decision after it."""
MODELS = dict.fromkeys(("plain", "anticipated"), ("sanction",)) | dict.fromkeys(
    ("no_shows", "no_shows_anticipated"), ("decision_alone", "decision", "hearing")
)
"""What is estimated in each world. `decision_alone` leaves no-shows and hearings out; `decision` has both as states of
their own; `hearing` is the treatment itself in the last."""


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


def draw_no_shows(world: str, persons: int, seed: int) -> pl.DataFrame:
    """Return the rows of a draw in which people stay away, are heard and then sanctioned, cut where anything changes.

    A hearing comes mostly in the weeks after a no-show, the decision a week or so after the hearing, and the effect
    with the decision; no-shows go on all the while. In the world `no_shows_anticipated` a person who has found work
    stays away far more often; who is heard then depends on the no-show alone, and the work that was found begins when
    it would.
    """
    random = np.random.default_rng([seed, WORLDS.index(world)])
    traits = random.standard_normal((persons, 2))
    hazard = np.exp(STAGED_KINDS[random.choice(3, persons, p=SHARES)] + traits @ STAGED_SLOPES.T)
    knows = world == "no_shows_anticipated"
    job = random.exponential(1 / hazard[:, 0])
    now, back = np.zeros(persons), np.zeros(persons)
    heard, decided = np.full(persons, np.inf), np.full(persons, np.inf)
    on, made = np.arange(persons), []
    while len(on):
        t, away, waits, is_decided = now[on], back[on] > now[on], heard[on] > now[on], decided[on] <= now[on]
        found = job[on] - NOTICE if knows else np.full(len(on), np.inf)
        rate = np.stack(
            [
                hazard[on, 1] * np.where(is_decided, np.exp(TRUTH["self_support"]), 1.0),
                hazard[on, 2] * ~away * np.where(t >= found, ALARMED, 1.0),
                hazard[on, 3] * waits * np.where(away, AFTER_NO_SHOW, 1.0),
                DECIDED * (~waits & ~is_decided),
            ]
        )
        with np.errstate(divide="ignore"):
            drawn = t + random.exponential(1.0, rate.shape) / rate
        changes = np.stack([np.full(len(on), FOLLOWED), back[on], found, heard[on] + SOON, decided[on] + SOON])
        at = np.vstack([job[on], drawn, np.where(changes > t, changes, np.inf)])
        which, until = at.argmin(axis=0), at.min(axis=0)
        since = {"hearing": t - heard[on], "decision": t - decided[on]}
        made.append(
            pl.DataFrame(
                {
                    **{"person_id": on, "x1": traits[on, 0], "x2": traits[on, 1], "duration": until - t},
                    "transition": np.array([*STAGES, *["none"] * len(changes)])[which],
                    "stage": np.select([is_decided, ~waits], ["decided", "heard"], "free"),
                    **{"no_show": away.astype(float), "heard": (~waits & ~is_decided).astype(float)},
                    **{f"{name}_0_4": ((w >= 0) & (w < SOON)).astype(float) for name, w in since.items()},
                    **{f"{name}_5_on": (w >= SOON).astype(float) for name, w in since.items()},
                }
            )
        )
        now[on] = until
        back[on[which == 2]] = until[which == 2] + SOON
        heard[on[which == 3]] = until[which == 3]
        decided[on[which == 4]] = until[which == 4]
        again = on[(which == 4) & ~(until > found)]  # the work that was found begins when it would
        job[again] = now[again] + random.exponential(1 / (hazard[again, 0] * np.exp(TRUTH["job"])))
        on = on[(which > 1) & (until < FOLLOWED)]
    return pl.concat(made)


def asked(model: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the rows as a model sees them, and what it is asked: who is treated when, and what came before."""
    if model == "sanction":
        return rows, {"treatments": {TREATMENT: PIECES}, "risk_sets": {"free": (*EXITS, TREATMENT), "treated": EXITS}}
    start = "hearing" if model == "hearing" else "decision"
    states = {"decision_alone": {}, "hearing": {"no_show": ("no_show",)}}.get(
        model, {"no_show": ("no_show",), "hearing": ("heard",)}
    )
    seen = (*EXITS, *states, start)
    rows = rows.with_columns(
        transition=pl.when(pl.col("transition").is_in(seen)).then("transition").otherwise(pl.lit("none")),
        state=pl.when(pl.col("no_show") == 1).then(pl.col("stage") + "_no_show").otherwise("stage"),
    )
    risk_sets = {}
    for stage in ("free", "heard", "decided"):
        for away in ("", "_no_show"):
            possible = list(EXITS)
            possible += [] if away else ["no_show"]
            possible += ["hearing"] if stage == "free" else []
            possible += ["decision"] if stage == "heard" or (stage == "free" and not states) else []
            risk_sets[stage + away] = tuple(name for name in possible if name in seen)
    treatments = {start: (f"{start}_0_4", f"{start}_5_on")}
    return rows, {"treatments": treatments, "states": states, "risk_sets": risk_sets}
