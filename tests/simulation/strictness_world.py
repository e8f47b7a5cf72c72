"""Persons dealt to caseworkers who differ in strictness; what a sanction does to each end state is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

STATES = ("job", "education", "other_benefit", "self_support", "entry_benefit")
SHARES = np.array([0.25, 0.15, 0.15, 0.15, 0.30])
EFFECTS = {"job": -0.10, "education": 0.0, "other_benefit": 0.0, "self_support": 0.12, "entry_benefit": -0.02}
CONFOUNDED = np.array([-0.10, -0.04, 0.04, 0.03, 0.07])  # of what nobody recorded, -1 or 1
SANCTIONED, UNRECORDED, RECORDED = 0.32, 0.12, 0.04  # share sanctioned, and what it rises by with each


@dataclass(frozen=True, slots=True)
class World:
    """Municipalities with caseworkers, each with entrants in every year."""

    municipalities: int = 12
    caseworkers: int = 8  # in each municipality
    years: int = 4
    persons: int = 16  # a caseworker and year, on average
    spread: float = 0.10  # standard deviation of strictness, a share of persons
    sorting: float = 0.0  # how far the recorded trait decides who gets the strict ones
    quality: float = 0.0  # standard deviation of what a caseworker does for jobs besides sanctioning
    alike: float = 0.7  # correlation of that with strictness
    exempt: float = 0.0  # share of persons who cannot be sanctioned
    early: float = (
        0.25  # share of those who leave, and of the sanctions, that come by the early horizon: 13 weeks of 52
    )

    def draw(self, seed: int) -> pl.DataFrame:
        """Return a row per person with the columns that `strictness` reads."""
        random = np.random.default_rng(seed)
        shape = (self.municipalities, self.caseworkers)
        strict = random.uniform(-1, 1, shape) * 3**0.5
        skill = self.alike * strict + (1 - self.alike**2) ** 0.5 * random.uniform(-1, 1, shape) * 3**0.5
        size = self.municipalities * self.years * self.caseworkers * self.persons
        place = random.integers(0, self.municipalities, size)
        year = random.integers(0, self.years, size)
        trait, unrecorded = random.integers(0, 2, size) * 2 - 1, random.integers(0, 2, size) * 2 - 1
        worker = self._dealt(random, strict, place, trait)
        level = 0.06 * random.uniform(-1, 1, (self.municipalities, self.years))[place, year]
        chance = SANCTIONED + self.spread * strict[place, worker] + level
        chance += UNRECORDED * unrecorded + RECORDED * trait
        exempt = random.random(size) < self.exempt
        shares = SHARES + CONFOUNDED * unrecorded[:, None]
        moved = self.quality * skill[place, worker] + 0.02 * trait - 0.5 * level
        shares[:, 0] += moved
        shares[:, -1] -= moved
        early = np.where(random.random(size) < self.early, _drawn(random, shares), len(STATES) - 1)
        has_left = early < len(STATES) - 1
        sanctioned = (random.random(size) < chance) & ~exempt & ~has_left
        shares += sanctioned[:, None] * np.array(list(EFFECTS.values()))
        state = np.where(has_left, early, _drawn(random, shares))
        return pl.DataFrame(
            {
                "person_id": np.arange(size),
                "entry_week": np.zeros(size, dtype=np.int64),
                "municipality_code": place,
                "period_on": year,
                "caseworker_id": [f"{p}-{w}" for p, w in zip(place, worker, strict=True)],
                "state": np.array(STATES)[state],
                "is_sanctioned": sanctioned,
                "no_shows": (sanctioned | (random.random(size) < 0.3)).astype(np.int64),
                "meetings": random.poisson(3, size),
                "target_group": np.where(trait > 0, "jobparat", "aktivitetsparat"),
                "sex": np.where(random.random(size) < 0.5, "K", "M"),
                "earlier_wage_months": random.integers(0, 13, size),
                "is_exempt": exempt,
                "early_state": np.array(STATES)[early],
                "is_early_sanctioned": sanctioned & (random.random(size) < self.early),
            }
        )

    def _dealt(
        self, random: np.random.Generator, strict: np.ndarray, place: np.ndarray, trait: np.ndarray
    ) -> np.ndarray:
        """Return each person's caseworker: by lot, or a strict one more often with the trait."""
        rank = np.argsort(np.argsort(strict, axis=1), axis=1)
        lot = random.random(place.size)
        leaning = np.where(trait > 0, lot ** (1 / (1 + self.sorting)), 1 - (1 - lot) ** (1 / (1 + self.sorting)))
        wanted = np.floor(leaning * self.caseworkers).astype(np.int64)
        return np.argsort(rank, axis=1)[place, wanted]


def _drawn(random: np.random.Generator, shares: np.ndarray) -> np.ndarray:
    """Return the state of each person, as an index, drawn with the person's shares."""
    return (random.random(len(shares))[:, None] > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)


COLUMNS = {
    "characteristics": ("target_group", "sex", "earlier_wage_months"),
    "subgroups": ("target_group", "sex"),
    "early": ("early_state", "is_early_sanctioned"),
}
"""The columns of a `Setting` that this world has."""
