"""Difference-in-differences against a fixed pool of donors: no weight is estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.weighted_paths import Contrast, Match, Paths, gap_of, paths_of, placebos_of
from evaluator.vocabulary import Assumption, Panel, Placebos


@dataclass(frozen=True, slots=True)
class DonorPool:
    """The treated path less the pool's, both less their mean before the start.

    Donors weigh by the persons behind them, or equally. Units labelled in `exclude` are no donors; `anticipation` is in
    periods, which belong to neither side.
    """

    weigh: Literal["persons", "equal"] = "persons"
    exclude: tuple[str, ...] = ()
    anticipation: int = 0
    name: str = "donor_pool"
    source: str = "Card and Krueger (1994), American Economic Review 84(4)"
    assumes: frozenset[Assumption] = frozenset({Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION})

    def __post_init__(self) -> None:
        if self.weigh not in ("persons", "equal") or self.anticipation < 0:
            raise ValueError(
                f"donor_pool: weigh '{self.weigh}' and anticipation {self.anticipation}; expected 'persons' or 'equal' "
                "and 0 or more"
            )

    def fit(self, panel: Panel) -> Placebos:
        """Return effect and gaps (1 + T,) and each donor's (D, 1 + T); raises as `placebos_of`."""
        return placebos_of(self, panel)

    def paths(self, panel: Panel) -> Paths:
        """Return the paths of the treated unit and of each donor in its place; raises as `paths_of`."""
        return paths_of(self, panel)

    def match(self, contrast: Contrast) -> Match:
        """Return the pool's shares; the objective is the mean squared gap of the base, which nothing minimises."""
        mass = contrast.panel.weight[contrast.donors] if self.weigh == "persons" else np.ones(contrast.donors.size)
        if not mass.any():
            raise PanelError(
                f"donor_pool: 0 persons are behind {mass.size} donors; expected some. Weigh equally, or give the panel "
                "its persons."
            )
        weight = mass / mass.sum()
        periods = np.full(contrast.before, 1 / contrast.before)
        gap = gap_of(contrast.target, contrast.pool, weight, periods)
        return Match(weight, periods, gap, float(np.mean(gap[: contrast.before] ** 2)), 0.0)
