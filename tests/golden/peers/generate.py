"""The small panels of the comparison with peers, from a seed: `python tests/golden/peers/generate.py`.

Ours from the first digit, so that they may lie beside the tests. 24 places of unequal size, 15 of them exposed from one
of three dates, 8 periods. Covariates move the trend and the chance of exposure, weights and effects vary, and the
eligible have a trend of their own: no estimator's answer is the same as another's by accident.
"""

from pathlib import Path

import numpy as np
import polars as pl

FOLDER = Path(__file__).parent
PLACES, PERIODS = 24, 8
STARTS = (4, 5, 7)
SEED = 20_170_101


def _places(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return each place's first exposed period (0: never) and its number of persons."""
    start = np.zeros(PLACES, dtype=np.int64)
    start[:15] = np.repeat(STARTS, 5)
    return random.permutation(start), random.integers(8, 23, PLACES)


def _people(random: np.random.Generator, start: np.ndarray, home: np.ndarray) -> dict[str, np.ndarray]:
    treated = start[home] > 0
    return {
        "cohort": start[home],
        "cluster": home,
        "weight": np.round(random.uniform(0.5, 2.0, home.size), 2),
        "eligible": random.integers(0, 2, home.size),
        "x1": np.round(random.standard_normal(home.size) + 0.3 * treated, 3),
        "x2": (random.uniform(size=home.size) < 0.4 + 0.1 * treated).astype(np.int64),
    }


def _outcome(random: np.random.Generator, who: dict[str, np.ndarray], period: np.ndarray) -> np.ndarray:
    shock = random.standard_normal((PLACES, PERIODS)).cumsum(axis=1) * 0.15
    since = period - who["cohort"]
    effect = np.where((who["cohort"] > 0) & (since >= 0), (0.6 + 0.2 * since) * (0.5 + who["eligible"]), 0.0)
    trend = (0.1 * who["x1"] + 0.15 * who["x2"] + 0.08 * who["eligible"]) * period
    return np.round(effect + trend + shock[who["cluster"], period - 1] + 0.7 * random.standard_normal(period.size), 6)


def panel() -> pl.DataFrame:
    """Return persons followed over all periods."""
    random = np.random.default_rng(SEED)
    start, size = _places(random)
    who = _people(random, start, np.repeat(np.arange(PLACES), size))
    persons = who["cohort"].size
    level = np.round(random.standard_normal(persons), 6)
    long = {name: np.repeat(values, PERIODS) for name, values in who.items()}
    period = np.tile(np.arange(1, PERIODS + 1), persons)
    outcome = np.round(_outcome(random, long, period) + np.repeat(level, PERIODS), 6)
    return pl.DataFrame({"unit": np.repeat(np.arange(persons), PERIODS), "period": period, **long, "outcome": outcome})


def sections() -> pl.DataFrame:
    """Return other persons in every period."""
    random = np.random.default_rng(SEED + 1)
    start, size = _places(random)
    who = _people(random, start, np.tile(np.repeat(np.arange(PLACES), size // 2 + 1), PERIODS))
    period = np.repeat(np.arange(1, PERIODS + 1), (size // 2 + 1).sum())
    return pl.DataFrame(
        {"person": np.arange(period.size), "period": period, **who, "outcome": _outcome(random, who, period)}
    )


if __name__ == "__main__":
    panel().write_csv(FOLDER / "panel.csv")
    sections().write_csv(FOLDER / "sections.csv")
