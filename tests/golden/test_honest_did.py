"""Bounds on unequal trends against Rambachan and Roth's published numbers and two peers (golden/honestdid_bc_lw)."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from evaluator.diagnostics.event_study import EventStudy
from evaluator.diagnostics.relative_magnitudes import relative_magnitudes
from evaluator.diagnostics.smoothness import smoothness_fixed_length, smoothness_hybrid

FOLDER = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared")) / "golden" / "honestdid_bc_lw"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="reference data not found: golden/honestdid_bc_lw")
REFERENCE = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8")) if FOLDER.exists() else {}
PEERS = json.loads((Path(__file__).parent / "honest_did_peers.json").read_text(encoding="utf-8"))
PUBLISHED = REFERENCE.get("published_ehec", {"SD_FLCI": {}, "RM_C-LF": {}})
MEASURED = REFERENCE.get("BC", {"SD_FLCI": [], "SD_C-LF": [], "RM_C-LF": []})
NORMAL = 1.959963984540054
GRID = 1000  # points of the published programme's grid


def medicaid() -> EventStudy:
    found = REFERENCE["ehec_measured"]
    return EventStudy(np.array(found["betahat"]), np.array(found["sigma"]), 5, np.array([1.0, 0.0]))


def study(name: str, contrast: str = "first") -> EventStudy:
    if name == "ehec":
        effect, covariance, pre = medicaid().effect, medicaid().covariance, 5
    else:
        found = json.loads((FOLDER / f"{name}data_EventStudy.json").read_text(encoding="utf-8"))
        effect, covariance = np.array(found["betahat"]), np.array(found["sigma"])
        pre = len(found["prePeriodIndices"])
    post = effect.size - pre
    return EventStudy(effect, covariance, pre, np.eye(post)[0] if contrast == "first" else np.full(post, 1 / post))


def grid_of(found: EventStudy, bound: float) -> np.ndarray:
    """Return the effects that the published programme tries under relative magnitudes."""
    largest = np.abs(np.diff(np.append(found.effect[: found.pre], 0.0))).max()
    periods = np.arange(1, found.contrast.size + 1)
    error = np.sqrt(found.contrast @ found.covariance[found.pre :, found.pre :] @ found.contrast)
    half = bound * (periods @ np.abs(found.contrast)) * largest + 20 * error
    return np.linspace(found.value - half, found.value + half, GRID)


@pytest.mark.parametrize("bound", PUBLISHED["SD_FLCI"])
def test_fixed_length_intervals_equal_the_published_digits(bound):
    ends = smoothness_fixed_length(medicaid(), float(bound))
    for found, published in zip(ends, PUBLISHED["SD_FLCI"][bound], strict=True):
        digits = 5e-5 if abs(published) < 0.1 else 5e-4
        # The published quantile of the folded normal is simulated; its centre and length move in the fifth decimal.
        assert found == pytest.approx(published, abs=digits + 3e-5)


@pytest.mark.parametrize("bound", PUBLISHED["RM_C-LF"])
def test_relative_magnitudes_equal_the_published_digits_on_the_published_grid(bound):
    """The published ends are grid points, and their critical value is simulated with 1,000 draws.

    Six of the eight ends are the same grid point. Two lie within a sixth of a step of the exact end on its other side.
    """
    low, high = relative_magnitudes(medicaid(), float(bound))
    grid = grid_of(medicaid(), float(bound))
    step = grid[1] - grid[0]
    kept = grid[(grid >= low) & (grid <= high)]
    published = PUBLISHED["RM_C-LF"][bound]
    same = [float(f"{end:.3g}") == number for end, number in zip((kept[0], kept[-1]), published, strict=True)]
    assert same == {"0.5": [True, True], "1": [True, True], "1.5": [False, True], "2": [False, True]}[bound]
    for end, number in zip((low, high), published, strict=True):
        assert number == pytest.approx(end, abs=step * 7 / 6 + 5e-5)


@pytest.mark.parametrize("row", MEASURED["SD_FLCI"], ids=lambda row: str(row["M_or_Mbar"]))
def test_fixed_length_intervals_equal_a_peer_and_are_never_longer(row):
    low, high = smoothness_fixed_length(study("BC"), row["M_or_Mbar"])
    (peer,) = row["table"]
    assert (low, high) == (pytest.approx(peer["lb"], abs=1e-4), pytest.approx(peer["ub"], abs=1e-4))
    assert high - low <= peer["ub"] - peer["lb"] + 1e-6


@pytest.mark.parametrize("row", MEASURED["RM_C-LF"], ids=lambda row: str(row["M_or_Mbar"]))
def test_relative_magnitudes_equal_a_peer_to_a_step_of_its_grid(row):
    grid = grid_of(study("BC"), row["M_or_Mbar"])
    (peer,) = row["table"]
    found = relative_magnitudes(study("BC"), row["M_or_Mbar"])
    assert found == pytest.approx((peer["lb"], peer["ub"]), abs=2 * (grid[1] - grid[0]))


@pytest.mark.parametrize("row", MEASURED["SD_C-LF"][1:], ids=lambda row: str(row["M_or_Mbar"]))
def test_hybrid_under_smoothness_equals_a_peer_to_a_step_of_its_grid(row):
    (peer,) = row["table"]
    found = smoothness_hybrid(study("BC"), row["M_or_Mbar"])
    assert found == pytest.approx((peer["lb"], peer["ub"]), abs=2e-3)


def test_at_no_change_of_slope_the_hybrid_is_the_plain_interval_of_the_last_slope_carried_on():
    """Why the two intervals at M = 0 do not overlap for BC: the hybrid uses one slope, the other all of them.

    The straight line is itself rejected by the effects before, so both cannot be right.
    """
    found = study("BC")
    weights = np.zeros(8)
    weights[3], weights[4] = 1.0, 1.0  # the first effect, less the change from the last one before into the base
    value = weights @ found.effect
    half = NORMAL * np.sqrt(weights @ found.covariance @ weights)
    assert smoothness_hybrid(found, 0.0) == pytest.approx((value - half, value + half), abs=1e-6)
    bends = np.array([[1, -2, 1, 0], [0, 1, -2, 1], [0, 0, 1, -2]]) @ found.effect[:4]
    rows = np.array([[1, -2, 1, 0], [0, 1, -2, 1], [0, 0, 1, -2]])
    statistic = bends @ np.linalg.solve(rows @ found.covariance[:4, :4] @ rows.T, bends)
    assert statistic > 11.34  # the 99 % point of chi-square with 3 degrees of freedom


CASES = [(name, kind) for name, kinds in PEERS["cases"].items() for kind in kinds]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_intervals_equal_two_peers_on_other_contrasts_and_data(name, kind):
    data, contrast = name.split()
    method, bound = kind.split()
    found = study(data, contrast)
    how = {"SD_FLCI": smoothness_fixed_length, "SD_C-LF": smoothness_hybrid, "RM_C-LF": relative_magnitudes}[method]
    low, high = how(found, float(bound))
    for peer in PEERS["cases"][name][kind].values():
        is_on_grid = "step" in peer
        centre = max(3e-4, 1e-4 * (high - low))  # diff-diff's own figure for how well it finds the centre is 3e-4
        tolerance = 2 * peer["step"] if is_on_grid else centre
        assert (low, high) == pytest.approx((peer["low"], peer["high"]), abs=tolerance)
        assert is_on_grid or high - low <= peer["high"] - peer["low"] + 1e-9
