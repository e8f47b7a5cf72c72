"""Invented released rows on how well the answer of the run in steps holds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

PLACE = {"outcome": "job", "horizon_weeks": 52, "unit": "share", "status": "estimated"}
SHIFTS = {"never": -0.002, "not_yet": 0.0, 6: -0.004, 12: 0.0, "nobody": 0.0, "largest": 0.003}


def fill(put: Callable[..., None], store: Any, run: str) -> None:
    """Put bounds, drifts, the curve, the decomposition, and the answer by other methods and without parts."""
    for bound, half in ((0.0, 0.011), (0.5, 0.017), (1.0, 0.022), (1.5, 0.03), (2.0, 0.041)):
        put(store, run, "bounds", bound=bound, low=0.023 - half, high=0.023 + half, **PLACE)
    for power, slope in ((0.5, 0.001), (0.8, 0.0016)):
        put(store, run, "drift", power=power, slope=slope, bias=20 * slope, bias_if_passed=21 * slope, **PLACE)
    for pool, base, left in product(("never", "not_yet"), (6, 12), ("nobody", "largest")):
        value = 0.023 + SHIFTS[pool] + SHIFTS[base] + SHIFTS[left]
        put(store, run, "curve", estimator="group_time", comparison=pool, base_periods=base, adjustment="none",
            leave_out=left, is_main=(pool, base, left) == ("not_yet", 12, "nobody"), value=value, low=value - 0.012,
            high=value + 0.012, **PLACE)  # fmt: skip
    put(store, run, "curve", estimator="imputation", leave_out="nobody", is_main=False, value=-0.001, low=-0.02,
        high=0.018, **PLACE)  # fmt: skip
    for kind, weight, value in (("treated_never", 0.8, 0.021), ("earlier_later", 0.08, 0.02),
                                ("later_earlier", 0.12, -0.03)):  # fmt: skip
        put(store, run, "decomposition", kind=kind, weight=weight, value=value, **PLACE)
    for aggregate, label, at, value in (
        ("estimator", "imputation", None, 0.021),
        ("exhibit", "two_way", None, 0.009),
        ("without_start", "2016-07", 24198, 0.018),
        ("without_start", "2017-01", 24204, 0.027),
        ("without_municipality", "Esbjerg", None, 0.016),
        ("placebo_date", "2014-05", 24172, 0.001),
        ("placebo_date", "2014-09", 24176, -0.002),
    ):
        put(store, run, "estimates", aggregate=aggregate, at_label=label, at=at, value=value, low=value - 0.012,
            high=value + 0.012, n=8420, method="leave_one_cluster_out", freedom=11.2, is_primary=False,
            is_partly_exposed=False, **PLACE)  # fmt: skip
    put(store, run, "estimates", **{**PLACE, "outcome": "employees", "horizon_weeks": None, "unit": "log"},
        aggregate="placebo_outcome", value=0.004, low=-0.009, high=0.017, n=184000, is_primary=False)  # fmt: skip
