"""What counts alone can say of an effect when nobody knows who is selected: bounds, and intervals around them.

For claims such as "after 12 months those without a sanction were more often in a job". Nothing is adjusted for; each
function states what it assumes of the selection, and the answer is a range, not a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evaluator.errors import PanelError
from evaluator.inference.rule import DIGITS, FEW, freedom
from evaluator.vocabulary import Floats, NotEstimable

Who = Literal["everybody", "treated"]
Shares = Callable[[Any], Any]  # totals to a bound; a quotient of sums, so that scaling the totals changes nothing
FEWEST = 5
"""Persons with the outcome, and without, in each arm, under which the normal law is no guide."""
STEP = 1e-30
"""Imaginary step of the derivative: exact to the last digit (Squire and Trapp 1998, SIAM Review 40(1))."""
NO_PERSONS = NotEstimable("Der er ingen borgere i den ene gruppe.", "En længere periode eller en bredere målgruppe.")
TOO_FEW = NotEstimable(
    f"Færre end {FEWEST} borgere har udfaldet, eller mangler det, i den ene gruppe.",
    "En længere periode eller en bredere målgruppe.",
)
FEW_CLUSTERS = NotEstimable(
    f"Med færre end {FEW} kommuner kan usikkerheden ikke regnes mellem kommuner.",
    f"Mindst {FEW} kommuner, eller tallene for alle kommuner under ét.",
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Persons by treatment, and those among them whose outcome is true; a number each, or (G,) by municipality."""

    treated: npt.ArrayLike
    treated_true: npt.ArrayLike
    compared: npt.ArrayLike
    compared_true: npt.ArrayLike


@dataclass(frozen=True, slots=True)
class SeenCounts:
    """As `Counts` for an outcome that is seen for some only: hours for those in a job, relapse for those who left."""

    treated: npt.ArrayLike
    treated_seen: npt.ArrayLike
    treated_true: npt.ArrayLike  # among those seen
    compared: npt.ArrayLike
    compared_seen: npt.ArrayLike
    compared_true: npt.ArrayLike


@dataclass(frozen=True, slots=True)
class Bounds:
    """The effects that agree with the counts, [low, high], and an interval that holds the true one at `level`."""

    assumption: str
    who: str
    low: float
    high: float
    low_se: float
    high_se: float
    interval_low: float
    interval_high: float
    level: float
    n: int
    clusters: int  # 0: persons are taken as independent


def worst_case(counts: Counts, who: Who = "treated", level: float = 0.95) -> Bounds | NotEstimable:
    """Return bounds on the effect on a share that assume nothing: the unseen outcomes are all true, or none is.

    They are one wide, and so always hold 0: such counts alone never show the sign of an effect.
    Source: Manski (1990), American Economic Review 80(2).
    """
    return _bounds("none", who, _unseen(who), _rows(counts), level)


def monotone_selection(
    counts: Counts,
    treated_are: Literal["weaker", "stronger"] = "weaker",
    who: Who = "treated",
    level: float = 0.95,
) -> Bounds | NotEstimable:
    """Return bounds when the treated would do no better than the others with the same treatment (or no worse).

    `weaker`: E[Y(d) | treated] <= E[Y(d) | others] for d = 0, 1; the raw difference is then the lowest possible
    effect. `stronger` is the reverse, and the raw difference the highest. Which of them holds is not in the data:
    whoever has found a job and stops turning up is sanctioned and stronger.
    Source: Manski and Pepper (2000), Econometrica 68(4), monotone treatment selection.
    """
    low, high = _unseen(who)
    ends = (_raw, high) if treated_are == "weaker" else (low, _raw)
    return _bounds(f"treated are {treated_are}", who, ends, _rows(counts), level)


def trimmed(counts: SeenCounts, level: float = 0.95) -> Bounds | NotEstimable:
    """Return bounds on the effect on an outcome that is seen for some, for those seen whatever their treatment.

    Assumes that the treatment was as good as drawn, and moves all persons the same way in or out of sight. The arm
    with more persons in sight is trimmed by the excess share q = (p1 - p0) / p1: of its highest outcomes for the low
    end, of its lowest for the high one.
    Source: Lee (2009), Review of Economic Studies 76(3), Proposition 1a, for an outcome that is true or false.
    """
    rows = _rows(counts)
    total = rows[0].sum(axis=0)
    if not (total[[0, 3]] > 0).all():
        return NO_PERSONS
    swapped = bool(total[1] / total[0] < total[4] / total[3])
    if swapped:
        rows = (rows[0][:, [3, 4, 5, 0, 1, 2]], rows[1], rows[2])
        total = rows[0].sum(axis=0)
    if not total[4] > 0:
        return NotEstimable(
            "Udfaldet ses for ingen i den ene gruppe.", "En længere opfølgning eller en bredere målgruppe."
        )
    is_full = total[2] / total[0] >= total[4] / total[3]  # the trimmed arm can be all true
    is_empty = (total[1] - total[2]) / total[0] >= total[4] / total[3]  # or all false

    def high(m: Any) -> Any:
        kept = 1.0 if is_full else m[2] / m[0] * m[3] / m[4]
        return kept - m[5] / m[4]

    def low(m: Any) -> Any:
        kept = 0.0 if is_empty else 1.0 - (m[1] - m[2]) / m[0] * m[3] / m[4]
        return kept - m[5] / m[4]

    ends: tuple[Shares, Shares] = (lambda m: -high(m), lambda m: -low(m)) if swapped else (low, high)
    return _bounds("treatment moves all the same way in or out of sight", "always seen", ends, rows, level)


def critical_value(width: float, level: float, degrees: float | None = None) -> float:
    """Return C with F(C + width) - F(-C) = level; `width` is that of the bounds over their larger standard error.

    From 1.96 for a point to 1.64 for wide bounds at 95 %; F is normal, or t. Source: Imbens and Manski (2004),
    Econometrica 72(6), equation 6.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    law = ndtr if degrees is None else lambda c: stdtr(degrees, c)
    inverse = ndtri if degrees is None else lambda share: stdtrit(degrees, share)
    if not np.isfinite(width):
        return float(inverse(level))
    return float(brentq(lambda c: law(c + width) - law(-c) - level, 0.0, inverse((1 + level) / 2) + 1e-9))


def _raw(m: Any) -> Any:
    return m[1] / m[0] - m[3] / m[2]


def _unseen(who: Who) -> tuple[Shares, Shares]:
    """Return the ends when the outcome that nobody saw, under the other treatment, is what suits them least."""
    if who == "treated":
        return lambda m: m[1] / m[0] - 1.0, lambda m: m[1] / m[0]
    return lambda m: (m[1] - m[3] - m[0]) / (m[0] + m[2]), lambda m: (m[1] - m[3] + m[2]) / (m[0] + m[2])


def _rows(counts: Counts | SeenCounts) -> tuple[Floats, Floats, Floats]:
    """Return rows (R, K) of totals, their number (R,), and the share of each in the counts (empty for persons).

    Clusters are rows of their own; without them the rows are the kinds of person that there are.
    """
    columns = [np.atleast_1d(np.asarray(getattr(counts, name), dtype=np.float64)) for name in counts.__slots__]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise PanelError("counts: columns differ in length; expected a number each, or one per municipality. Check.")
    table = np.column_stack(columns)
    half = table.shape[1] // 2
    arms = np.stack([table[:, :half], table[:, half:]])
    nested = (np.diff(arms, axis=2) <= 0).all()
    if not np.isfinite(table).all() or (table < 0).any() or not nested:
        raise PanelError("counts: a part is larger than its whole, or negative; expected counts. Mend the input.")
    if len(table) > 1:
        return table, np.ones(len(table)), table.sum(axis=1)
    kinds, number = [], []
    for arm in (0, 1):
        whole = arms[arm, 0]
        for depth in range(half):
            kind = np.zeros(2 * half)
            kind[arm * half : arm * half + depth + 1] = 1.0
            kinds.append(kind)
            number.append(whole[depth] - (whole[depth + 1] if depth + 1 < half else 0.0))
    weight = np.array(number)
    return np.array(kinds) * weight[:, None], weight, np.empty(0)


def _bounds(
    assumption: str, who: str, ends: tuple[Shares, Shares], rows: tuple[Floats, Floats, Floats], level: float
) -> Bounds | NotEstimable:
    table, number, share = rows
    total = table.sum(axis=0)
    half = len(total) // 2
    if not (total[[0, half]] > 0).all():
        return NO_PERSONS
    if min(total[half - 1], total[-1], total[half - 2] - total[half - 1], total[-2] - total[-1]) < FEWEST:
        return TOO_FEW
    if 0 < share.size < FEW:
        return FEW_CLUSTERS
    values, errors = [], []
    for end in ends:
        slope = np.array([np.imag(end(total + STEP * 1j * unit)) / STEP for unit in np.eye(len(total))])
        influence = table @ slope  # the sum over persons alike; 0 in total, as scaling the totals changes nothing
        square = np.divide(influence**2, number, out=np.zeros(len(number)), where=number > 0).sum()
        values.append(float(np.real(end(total))))
        errors.append(float(np.sqrt(square * (share.size / (share.size - 1) if share.size else 1.0))))
    (low, high), (low_se, high_se) = values, errors
    degrees = float(freedom(share[:, None])[0]) if share.size else None
    width = (high - low) / max(errors) if max(errors) > 0 else np.inf
    reach = round(critical_value(width, level, degrees), DIGITS)
    return Bounds(
        assumption, who, low, high, low_se, high_se, max(low - reach * low_se, -1.0), min(high + reach * high_se, 1.0),
        level, round(total[0] + total[half]), share.size,
    )  # fmt: skip
