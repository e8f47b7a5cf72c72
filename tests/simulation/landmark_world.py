"""Benefit spells by the week in which a sanction follows a missed meeting, with the truth of each sanctioned person.

Weak people miss more meetings and find fewer jobs, so that whoever is sanctioned would have fared worse anyway. In the
world without unseen selection a missed meeting is sanctioned by the municipality's practice alone; with it, the weak
are sanctioned more often for the same history.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl

from evaluator.design.risk_cells import Band, CellSums, Matching, cell_sums

STATES = ("entry_benefit", "job", "education", "self_support", "other_benefit")
WEEKS, LAST_RISK = 113, 60  # 52 weeks are seen after every week at risk
FIRST_WEEK = dt.date(2016, 1, 4)
EFFECT_WEEKS = 13
EVERY_WEEK = -2
HISTORY = (
    "municipality_code",
    "target_group",
    Band("spell_week", (0, 8, 26)),
    Band("no_shows", (0, 1, 2, 4)),
    Band("weeks_since_no_show", (0, 2, 5)),
)
SANCTIONING = ("municipality_code", Band("weeks_since_no_show", (0, 2)))


@dataclass(frozen=True, slots=True)
class World:
    """What moves people, by week."""

    persons: int = 3000
    municipalities: int = 20
    on_self_support: float = 3.0  # factor of a sanction on the hazard to self-support, for 13 weeks
    unseen: float = 0.0  # how much more often a weak person's missed meeting is sanctioned: 1 + and 1 - this
    reversed_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Draw:
    """A world's tables, and where each sanctioned person would have been without a sanction in that very week."""

    risk: pl.DataFrame
    states: pl.DataFrame
    truth: dict[tuple[int, str], float]  # mean effect on the sanctioned by horizon and state, against waiting
    against_none: dict[tuple[int, str], float]  # the same against no sanction at all

    def sums(self, matching: Matching | None = None) -> CellSums:
        """Return the sums of a comparison, matched on the history unless said otherwise."""
        with duckdb.connect() as connection:
            connection.register("risk", self.risk)
            connection.register("states", self.states)
            return cell_sums(connection, matching or matched(), "risk", "states")


def matched(**choices: object) -> Matching:
    """Return a comparison on the history of this world."""
    chosen: dict = {
        "cells": HISTORY,
        "censoring": SANCTIONING,
        "horizons": (13, 52),
        "balance": ("no_shows", "spell_week", "is_weak"),
    } | choices
    return Matching(**chosen)


def draw(world: World, seed: int) -> Draw:
    """Return one draw of the world."""
    rng = np.random.default_rng(seed)
    n = world.persons
    weak = rng.random(n) < 0.5
    ready = rng.random(n) < 0.5
    place = rng.integers(0, world.municipalities, n)
    practice = np.linspace(0.1, 0.5, world.municipalities)[place]
    practice = practice * np.where(weak, 1 + world.unseen, 1 - world.unseen)
    uniform = rng.random((3, WEEKS, n))
    is_reversed = rng.random(n) < world.reversed_share
    state, first, missed = _run(world, weak, ready, practice, uniform, np.full(n, -1))
    spared = [_run(world, weak, ready, practice, uniform, each)[0] for each in (first, np.full(n, EVERY_WEEK))]
    against = [_effects(state, twin, first) for twin in spared]
    return Draw(_risk(state, first, missed, weak, ready, place, is_reversed), _states(state), *against)


def _effects(state, twin, first):
    who = np.flatnonzero(first >= 0)
    return {
        (horizon, name): float(
            np.mean(state[first[who] + horizon, who] == code) - np.mean(twin[first[who] + horizon, who] == code)
        )
        for horizon in (13, 52)
        for code, name in enumerate(STATES)
    }


def _run(world, weak, ready, practice, uniform, spared):
    """Return states (T, N), the week of the first sanction (-1 for none) and missed meetings (T, N)."""
    n = weak.size
    state = np.zeros((WEEKS, n), dtype=np.int8)
    missed = np.zeros((WEEKS, n), dtype=bool)
    first = np.full(n, -1)
    for t in range(WEEKS):
        on = state[t] == 0
        if t > 0:
            decided = (
                on
                & missed[t - 1]
                & (first < 0)
                & (uniform[0, t] < practice)
                & (t <= LAST_RISK)
                & ~np.isin(spared, (t, EVERY_WEEK))
            )
            first[decided] = t
        missed[t] = on & (uniform[1, t] < np.where(weak, 0.16, 0.06))
        if t + 1 == WEEKS:
            break
        job = np.where(weak, 0.006, 0.02) * np.where(ready, 1.3, 0.7)
        recent = (first >= 0) & (t - first < EFFECT_WEEKS)
        away = 0.006 * np.where(recent, world.on_self_support, 1.0)
        ends = np.cumsum([away, np.full(n, 0.004), np.full(n, 0.002), job], axis=0)
        to = np.array([3, 2, 4, 1, 0], dtype=np.int8)[(uniform[2, t] >= ends).sum(axis=0)]
        state[t + 1] = np.where(on, to, state[t])
    return state, first, missed


def _dates(weeks):
    return np.datetime64(FIRST_WEEK) + 7 * np.asarray(weeks).astype("timedelta64[D]")


def _risk(state, first, missed, weak, ready, place, is_reversed):
    before = np.vstack([np.zeros((1, state.shape[1]), dtype=int), np.cumsum(missed, axis=0)[:-1]])
    latest = np.maximum.accumulate(np.where(missed, np.arange(WEEKS)[:, None], -1), axis=0)
    latest = np.vstack([np.full((1, state.shape[1]), -1), latest[:-1]])
    week, who = np.nonzero(state[: LAST_RISK + 1] == 0)
    since = week - latest[week, who]
    return pl.DataFrame(
        {
            "person_id": [f"P{i}" for i in who],
            "spell_number": 1,
            "benefit": "kontanthjaelp",
            "week": _dates(week),
            "spell_week": week,
            "sanction_week": pl.Series(_dates(np.maximum(first[who], 0))).set(pl.Series(first[who] < 0), None),
            "is_reversed": is_reversed[who] & (first[who] >= 0),
            "is_on_benefit": True,
            "municipality_code": [f"{101 + i}" for i in place[who]],
            "target_group": np.where(ready[who], "jobparat", "aktivitetsparat"),
            "no_shows": before[week, who],
            "weeks_since_no_show": pl.Series(since).set(pl.Series(latest[week, who] < 0), None),
            "is_weak": weak[who].astype(int),
        }
    )


def _states(state):
    week, who = np.divmod(np.arange(state.size), state.shape[1])
    return pl.DataFrame(
        {
            "person_id": pl.Series([f"P{i}" for i in range(state.shape[1])])[who],
            "benefit": "kontanthjaelp",
            "week": _dates(week),
            "state": pl.Series(STATES)[state.ravel().astype(int)],
        }
    )
