"""The effect of a sanction by two-stage least squares, LIML and the jackknife: points, errors are made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.estimators.caseworkers.projection import Projection
from evaluator.vocabulary import Floats


@dataclass(frozen=True, slots=True)
class Points:
    """One effect by four ways of estimating it."""

    two_stage: float  # with the leave-one-out strictness as the one instrument
    liml: float  # with an indicator of every caseworker
    ujive: float  # with an indicator of every caseworker, each person's own first stage left out
    naive: float  # least squares within cells: sanctioned against others, no instrument


def points(projection: Projection, instrument: Floats, sanctioned: Floats, outcome: Floats) -> Points:
    """Return the effect of `sanctioned` on `outcome` (N,) each; `instrument` is `projection.left_out` of the former.

    Two-stage least squares and LIML are linearmodels'. LIML needs the indicators only through the projections of its
    two variables, so these two columns are its instruments: the same number, without a matrix of persons x caseworkers.
    """
    within, gain = projection.within(sanctioned), projection.within(outcome)
    fitted = projection.fitted(within)
    return Points(
        two_stage=_by_linearmodels("IV2SLS", gain, within, instrument[:, None]),
        liml=_by_linearmodels("IVLIML", gain, within, np.column_stack([projection.fitted(gain), fitted])),
        ujive=_ujive(projection, within, fitted, outcome, sanctioned),
        naive=float(within @ gain / (within @ within)),
    )


def _by_linearmodels(name: str, outcome: Floats, treatment: Floats, instruments: Floats) -> float:
    """Return the coefficient of the treatment; cell means are out of all columns.

    Source: Anderson and Rubin (1949), Annals of Mathematical Statistics 20(1), for LIML.
    """
    from linearmodels.iv import IV2SLS, IVLIML

    model = {"IV2SLS": IV2SLS, "IVLIML": IVLIML}[name]
    return float(model(outcome, None, treatment, instruments).fit(cov_type="unadjusted").params.iloc[0])


def _ujive(projection: Projection, within: Floats, fitted: Floats, outcome: Floats, sanctioned: Floats) -> float:
    """Return sum(p_i y_i) / sum(p_i d_i), p_i the first stage's fit less the cell's, both without person i.

    Source: Kolesar (2013), "Estimation in an instrumental variables model with treatment effect heterogeneity", UJIVE.
    """
    cell = 1 / projection.cell_size[projection.cell]
    left_out = within / (1 - cell) - (within - fitted) / (1 - cell - projection.leverage)
    return float(left_out @ outcome / (left_out @ sanctioned))
