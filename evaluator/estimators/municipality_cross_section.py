"""Municipalities against one another: mean outcome and mean exposure over the whole period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import NEVER, Assumption, Bools, Cell, Fit, Floats, Panel

SMALLEST = 1e-10
"""Share of the exposure's variation under which it counts as none."""


@dataclass(frozen=True, slots=True)
class MunicipalityCrossSection:
    """How outcomes differ between municipalities that differ by one unit of exposure, whatever else they differ in.

    The claim that "those who sanction more do worse" (Arbejdsmarkedsstyrelsen 2008) is this number. It holds nothing
    fixed: a hard labour market can bring both sanctions and few exits. To be read beside `MunicipalityPanel`, which
    compares a municipality with itself.
    """

    name: str = "municipality_cross_section"
    source: str = "Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, section 10.2.1: between"
    assumes: frozenset[Assumption] = frozenset({Assumption.UNCONFOUNDEDNESS})

    def fit(self, panel: Panel) -> Fit:
        """Return the slope (1,) of means on means, weighted by persons, and scores (G, 1); `scale` is G.

        Raises PanelError when the exposure is absent or is alike in all municipalities.
        """
        exposure, outcome, weight = _means(panel)
        away = exposure - np.average(exposure, weights=weight)
        moving = float((weight * away**2).sum())
        if not moving > SMALLEST * float((weight * exposure**2).sum()):
            raise PanelError(
                "municipality_cross_section: the exposure is alike in all municipalities; expected differences. Choose "
                "another exposure."
            )
        slope = float((weight * away * outcome).sum()) / moving
        left = outcome - np.average(outcome, weights=weight) - slope * away
        clusters = int(panel.cluster.max()) + 1
        used = panel.cluster[_known(panel).any(axis=1)]
        score = np.bincount(used, weights=weight * away * left, minlength=clusters)
        return Fit((Cell(panel.unit, NEVER, 0, 0),), np.array([slope]), (clusters * score / moving)[:, None], clusters)

    def exposure_shares(self, panel: Panel) -> Floats:
        """Return each municipality's share (G,) of the exposure's variation between municipalities."""
        clusters = int(panel.cluster.max()) + 1
        exposure, _, weight = _means(panel)
        used = panel.cluster[_known(panel).any(axis=1)]
        away = weight * (exposure - np.average(exposure, weights=weight)) ** 2
        share = np.asarray(np.bincount(used, weights=away, minlength=clusters), dtype=np.float64)
        return share / share.sum() if share.sum() > SMALLEST else np.zeros(clusters)


def _known(panel: Panel) -> Bools:
    if panel.exposure is None:
        raise PanelError("municipality_cross_section: the panel has no exposure; expected one. Name its column.")
    return np.asarray(panel.observed & np.isfinite(panel.exposure), dtype=np.bool_)


def _means(panel: Panel) -> tuple[Floats, Floats, Floats]:
    """Return mean exposure, mean outcome and weight of the municipalities that are seen at all."""
    known = _known(panel)
    count = known.sum(axis=1)
    seen = count > 0
    assert panel.exposure is not None
    sums = (np.where(known, values, 0.0).sum(axis=1)[seen] / count[seen] for values in (panel.exposure, panel.outcome))
    exposure, outcome = sums
    return exposure, outcome, panel.weight[seen]
