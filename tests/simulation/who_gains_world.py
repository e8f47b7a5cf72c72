"""Persons in municipalities whose levels differ between the arms; effects by group are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

GROUPS = ("18-24", "25-29", "30-66")
EFFECTS = {"18-24": 0.08, "25-29": 0.04, "30-66": 0.0}
STARTS = (30, 36, 42)
PERIODS = 60
ANTICIPATION = 12


@dataclass(frozen=True, slots=True)
class World:
    """Municipalities with lognormal sizes; the first `treated` start in three steps and have another level."""

    persons: int = 12_000
    municipalities: int = 60
    treated: int = 15
    level_gap: float = 0.08  # treated municipalities stand this much higher before and after
    trend: float = 0.002  # per period, in every municipality, steeper for the youngest
    shock: float = 0.02  # standard deviation of municipality x period shocks, AR(1) 0.8
    effects: bool = True

    def draw(self, seed: int) -> pl.DataFrame:
        """Return a row per person: outcome, municipality_code, period, cohort, age_group, sex, education_level."""
        random = np.random.default_rng(seed)
        units = np.arange(self.municipalities)
        size = np.exp(0.7 * random.standard_normal(self.municipalities))
        unit = random.choice(units, self.persons, p=size / size.sum())
        first = np.zeros(self.municipalities, dtype=np.int64)
        first[: self.treated] = np.resize(STARTS, self.treated)
        level = 0.25 + 0.05 * random.uniform(-1, 1, self.municipalities) + self.level_gap * (first > 0)
        by_group = 0.04 * random.uniform(-1, 1, (self.municipalities, len(GROUPS)))
        period = random.integers(0, PERIODS, self.persons) + 1
        group = random.choice(len(GROUPS), self.persons, p=[0.3, 0.2, 0.5])
        education = random.integers(0, 4, self.persons)
        woman = random.uniform(size=self.persons) < 0.5
        chance = level[unit] + by_group[unit, group] + np.array([0.05, 0.0, -0.05])[group] + 0.02 * (education - 1.5)
        chance += self.trend * (period - PERIODS / 2) * np.array([1.5, 1.0, 0.5])[group] + 0.02 * woman
        chance += self._shocks(random)[unit, period]
        exposed = (first[unit] > 0) & (period >= first[unit])
        uniform = random.uniform(size=self.persons)
        outcome = uniform < chance
        if self.effects:
            outcome |= exposed & (uniform < chance + np.array([EFFECTS[name] for name in GROUPS])[group])
        return pl.DataFrame(
            {
                "outcome": outcome.astype(float),
                "municipality_code": [f"{101 + u}" for u in unit],
                "period": period,
                "cohort": first[unit],
                "age_group": [GROUPS[g] for g in group],
                "sex": np.where(woman, "K", "M"),
                "education_level": [str(e) for e in education],
            }
        )

    def _shocks(self, random: np.random.Generator) -> np.ndarray:
        noise = random.standard_normal((self.municipalities, PERIODS + 1)) * self.shock
        for period in range(1, PERIODS + 1):
            noise[:, period] = 0.8 * noise[:, period - 1] + 0.6 * noise[:, period]
        return noise


def naive(people: pl.DataFrame) -> np.ndarray:
    """Return the difference between exposed and never-exposed entrants of the same periods, by group."""
    after = people.filter(pl.col("period") >= pl.when(pl.col("cohort") > 0).then("cohort").otherwise(STARTS[1]))
    means = after.group_by("age_group", exposed=pl.col("cohort") > 0).agg(pl.col("outcome").mean())
    table = means.pivot(on="exposed", index="age_group", values="outcome").sort("age_group")
    return (table["true"] - table["false"]).to_numpy()
