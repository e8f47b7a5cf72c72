"""Cause-specific hazards, cumulated: Nelson-Aalen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.estimators.exits.risk_table import RiskTable, risk_table
from evaluator.vocabulary import Floats


@dataclass(frozen=True, slots=True)
class CumulativeHazards:
    """Hazards to E exits, cumulated to T times."""

    table: RiskTable
    value: Floats  # (T, E)
    variance: Floats  # (T, E)


def cumulative_hazards(duration: Any, exit_code: Any, *, exits: int, entry: Any = None) -> CumulativeHazards:
    """Return H_k(t) = sum_{s <= t} d_k(s) / n(s), with variance sum d_k / n^2; raises as `risk_table`.

    Source: Aalen (1978), Annals of Statistics 6(4).
    """
    table = risk_table(duration, exit_code, exits=exits, entry=entry)
    n = np.maximum(table.at_risk, 1.0)[:, None]
    return CumulativeHazards(table, np.cumsum(table.exits / n, axis=0), np.cumsum(table.exits / n**2, axis=0))
