"""The saturated event study: equal to group-time contrasts, to dense regression, to peers, and where it must fail."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from staggered_panel import (
    assert_recovers,
    dummies,
    errors,
    long,
    regression,
    simulated,
    staggered,
    weighted_worlds,
    with_gaps,
)

from evaluator.errors import PanelError
from evaluator.estimators import GroupTime, Saturated
from evaluator.inference import aggregate
from evaluator.panel import panel_from_frame
from evaluator.vocabulary import NEVER

FOLDER = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared")) / "golden" / "mpdta"


WORLDS = weighted_worlds(31)


@pytest.mark.parametrize("ahead", [0, 1])
def test_in_a_complete_panel_it_is_group_time_with_a_universal_base(ahead):
    one = Saturated(anticipation=ahead).fit(WORLDS["complete"])
    two = GroupTime(comparison="never", base="universal", anticipation=ahead).fit(WORLDS["complete"])
    assert one.cells == two.cells
    np.testing.assert_allclose(one.effect, two.effect, atol=1e-12)
    np.testing.assert_allclose(one.influence, two.influence, atol=1e-10)


@pytest.mark.parametrize("control", ["never", "last"])
@pytest.mark.parametrize("ahead", [0, 1])
@pytest.mark.parametrize("world", WORLDS)
def test_coefficients_and_errors_equal_dense_regression(world, ahead, control):
    data = WORLDS[world]
    fit = Saturated(control=control, anticipation=ahead).fit(data)
    unit, period, cohort, cluster, weight, outcome = long(data)
    kept = np.ones(unit.size, dtype=bool) if control == "never" else (cohort != NEVER) & (period < 6 - ahead)
    unit, period, cohort, cluster, weight, outcome = (
        part[kept] for part in (unit, period, cohort, cluster, weight, outcome)
    )
    moving = [cell for cell in fit.cells if cell.period != cell.base]
    columns = [(cohort == cell.cohort) & (period == cell.period) for cell in moving]
    design = np.column_stack([np.array(columns).T, dummies(unit), dummies(period)])
    coefficient, error = regression(design, outcome, weight, cluster)
    at = [fit.cells.index(cell) for cell in moving]
    np.testing.assert_allclose(fit.effect[at], coefficient[: len(at)], atol=1e-9)
    np.testing.assert_allclose(errors(fit)[at], error[: len(at)], atol=1e-9)


def row_averages(fit, panel, event_time):
    """Return effect and error of the cells at an event time, or of all exposed ones, weighted by rows."""
    time = np.array([cell.period - cell.cohort for cell in fit.cells])
    rows = np.array([panel.observed[panel.cohort == cell.cohort, cell.period].sum() for cell in fit.cells])
    weight = np.where(time >= 0 if event_time is None else time == event_time, rows, 0)
    weight = weight / weight.sum()
    return weight @ fit.effect, np.sqrt(((fit.influence @ weight) ** 2).sum()) / fit.scale


@pytest.mark.skipif(not FOLDER.exists(), reason="reference data not found: golden/mpdta")
def test_county_employment_equals_fixest():
    """Errors of fixest 0.12.2 carry G/(G-1) x (n-1)/(n-K): 500 counties, 2,500 rows, K = 12 coefficients + 5 years."""
    expected = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))["sunab"]
    panel = panel_from_frame(
        pl.read_csv(FOLDER / "data.csv"), unit="countyreal", period="year", outcome="lemp", cohort="first.treat"
    )
    fit, factor = Saturated().fit(panel), np.sqrt(500 / 499 * 2499 / (2500 - 17))
    rows = [(int(row["term"].split("::")[1]), row["coef"], row["se"]) for row in expected["dynamic"]]
    for time, effect, error in [*rows, (None, expected["att"]["coef"], expected["att"]["se"])]:
        found = row_averages(fit, panel, time)
        np.testing.assert_allclose([found[0], found[1] * factor], [effect, error], atol=1e-10)


# staggered(7, units=60): diff-diff 3.13.0 SunAbraham and pyfixest 0.60.0 event_study(saturated) agree to 1e-14, errors
# with G/(G-1) x (n-1)/(n-K), K = 21 coefficients + 8 periods; with_gaps(., 8): diff-diff 3.13.0 alone
PEERS = {
    "complete": [
        (-6, -0.7636658241629661, 0.5583637934199628),
        (-5, -1.1052427350001666, 0.4406812680539545),
        (-3, -0.34596186850763244, 0.29165839266631916),
        (0, 1.1041570961328449, 0.1867740925399325),
        (2, 2.3365441772817928, 0.3571439955799053),
        (4, 3.5422127039016162, 0.475525949224195),
        (None, 1.913408222157731, 0.2599651800443795),
    ],
    "gaps": [
        (-6, -1.1224017767604126, 0.5574776544474577),
        (-2, -0.05225790295925567, 0.24178510176742343),
        (0, 1.0715957481667981, 0.20249472684132022),
        (3, 3.0656592533198146, 0.5287822440460125),
        (None, 1.8785185630130126, 0.2811277571123684),
    ],
}


@pytest.mark.parametrize("world", PEERS)
def test_averages_over_rows_equal_the_peers(world):
    panel, _ = staggered(7, units=60)
    if world == "gaps":
        panel = with_gaps(panel, 8)
    fit, rows = Saturated().fit(panel), int(panel.observed.sum())
    factor = np.sqrt(60 / 59 * (rows - 1) / (rows - 29))
    for time, effect, error in PEERS[world]:
        found = row_averages(fit, panel, time)
        np.testing.assert_allclose([found[0], found[1] * factor], [effect, error], atol=1e-9)


def test_known_growing_effects_are_recovered_and_intervals_cover():
    assert_recovers(*simulated(Saturated(), 250))
    assert_recovers(*simulated(Saturated(control="last"), 250, starts=(3, 5, 6)))


def test_anticipation_unknown_to_it_is_seen_as_bias_and_told_it_is_gone():
    _, off = simulated(Saturated(), 60, early=1.0)
    assert off.mean() < -0.5
    assert_recovers(*simulated(Saturated(anticipation=1), 200, early=1.0))


def test_the_last_cohort_is_a_control_until_its_window_and_has_no_cell():
    panel, _ = staggered(35, starts=(3, 5, 7))
    cells = Saturated(control="last", anticipation=1).fit(panel).cells
    assert {cell.cohort for cell in cells} == {3, 5}
    assert max(cell.period for cell in cells) == 5


def test_without_a_control_it_refuses_and_names_the_choice():
    everybody, _ = staggered(36, starts=(3, 5))
    with pytest.raises(PanelError, match="control 'never'"):
        Saturated().fit(everybody)
    with pytest.raises(PanelError, match="control 'last'"):
        Saturated(control="last").fit(staggered(36, starts=(4,))[0])


def test_averages_leave_the_reference_without_an_error():
    found = aggregate(Saturated().fit(WORLDS["complete"]), WORLDS["complete"], "event")
    assert np.isnan(found.error[found.labels.index(-1)])
    assert found.effect[found.labels.index(-1)] == 0


def test_choices_that_make_no_sense_are_refused():
    for choices in ({"control": "some"}, {"anticipation": -1}):
        with pytest.raises(ValueError, match="saturated: "):
            Saturated(**choices)
