"""Worlds of entry cohorts with one treated municipality whose entrants change when it starts.

Entrants are drawn as counts of strata (multinomial) and those in a job as binomial counts: weights and means depend on
the stratum alone, so no person need be drawn. Municipalities have their own composition, which drifts, and their own
level and AR(1) shocks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np

from evaluator.registers.municipalities import municipalities
from evaluator.vocabulary import NEVER, Floats, Ints, Sections

PERIODS, START, WINDOW, BASE = 7, 4, 2, 2
"""Half-years of entry: two of base, two whose entrants are measured after the start, three from it on."""
ENTERED = (0, 1, 4, 5, 6)
"""The periods that are drawn: those of the window are in no overall effect."""
EFFECT = 0.03
STRATA = np.array(list(product((0, 1), repeat=4)))  # age, education, target group, and what nobody knows
RETURN = STRATA @ [-0.05, 0.06, 0.15, 0.12]
KNOWN, UNKNOWN = 2, 3  # columns of STRATA: what drift is in
DRIFT = 0.8
"""Log odds by which the treated one's entrants move to the easier half from the start on: a fifth of them."""
OWN_MIX, OWN_DRIFT = 40.0, 0.08
"""How alike compositions are (Dirichlet), and the standard deviation of the log odds' step from period to period."""
LEVEL, COMMON, SHOCK, MEMORY = 0.03, 0.02, 0.012, 0.8
BASIC = 0.20
PER_RECIPIENT = 2.0
"""Entrants of half a year per recipient of the real series."""


@dataclass(frozen=True, slots=True)
class OneTreated:
    """A world: which municipality is treated, and how its entrants change."""

    kind: Literal["smallest", "median", "largest"]
    drift: Literal["known", "unknown", "none"] = "known"

    @property
    def name(self) -> str:
        return f"{self.kind}_{self.drift}_drift" if self.drift != "none" else f"{self.kind}_without_drift"

    @property
    def treated(self) -> int:
        order = np.argsort(entrants(), kind="stable")
        return int(order[{"smallest": 0, "median": order.size // 2, "largest": order.size - 1}[self.kind]])

    def draw(self, seed: int) -> tuple[Sections, Sections]:
        """Return the entry cohorts by stratum, with EFFECT and without; the covariates lack what nobody knows.

        The treated one's outcomes are drawn for each; all else is the same.
        """
        rng, number = np.random.default_rng(seed), entrants()
        persons = rng.multinomial(number[:, None], self._shares(rng, number.size))
        persons[:, [t for t in range(PERIODS) if t not in ENTERED]] = 0
        cluster, period, stratum = np.nonzero(persons)
        count, chance = persons[cluster, period, stratum], self._chance(rng, number.size)[cluster, period, stratum]
        is_treated = cluster == self.treated
        job = rng.binomial(count, np.clip(chance, 0.0, 1.0))
        moved = np.clip(chance + EFFECT * (period >= START), 0.0, 1.0)
        with_effect = np.where(is_treated, rng.binomial(count, moved), job)
        without = Sections(
            periods=tuple(range(PERIODS)),
            outcome=job / count,
            period=period,
            cohort=np.where(is_treated, START, NEVER),
            covariates=STRATA[stratum, :UNKNOWN].astype(np.float64),
            cluster=cluster,
            weight=count.astype(np.float64),
            unit="share",
            clusters=tuple(m.code for m in municipalities()),
        )
        return replace(without, outcome=with_effect / count), without

    def _shares(self, rng: np.random.Generator, clusters: int) -> Floats:
        """Return each municipality's composition by period (G, T, M)."""
        mix = rng.dirichlet(np.full(len(STRATA), OWN_MIX / len(STRATA)), size=clusters)[:, None, :]
        step = rng.normal(0, OWN_DRIFT, (clusters, PERIODS, STRATA.shape[1])).cumsum(axis=1)
        height = step @ (STRATA.T - 0.5)
        if self.drift != "none":
            height[self.treated, START:] += DRIFT * STRATA[:, KNOWN if self.drift == "known" else UNKNOWN]
        share = mix * np.exp(height)
        return np.asarray(share / share.sum(axis=2, keepdims=True))

    def _chance(self, rng: np.random.Generator, clusters: int) -> Floats:
        """Return the chance of a job without an effect (G, T, M)."""
        shock = rng.normal(size=(clusters, PERIODS))
        for period in range(1, PERIODS):
            shock[:, period] = MEMORY * shock[:, period - 1] + np.sqrt(1 - MEMORY**2) * shock[:, period]
        level = BASIC + rng.normal(0, LEVEL, (clusters, 1)) + rng.normal(0, COMMON, PERIODS) + SHOCK * shock
        return np.asarray(level[:, :, None] + RETURN)


def entrants() -> Ints:
    """Return the entrants of half a year in each of the 98 municipalities."""
    return np.array([max(1, round(PER_RECIPIENT * m.recipients)) for m in municipalities()])


WORLDS = (
    *(OneTreated(kind) for kind in ("smallest", "median", "largest")),
    OneTreated("median", "unknown"),
    OneTreated("median", "none"),
)
