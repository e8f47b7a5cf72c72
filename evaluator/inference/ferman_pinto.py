"""Treated clusters of any size against donors brought to their variance a + b / size, fitted with the null imposed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluator.inference.conley_taber import fewest, read, weighted_sums
from evaluator.inference.judged import Judged, no_chance, too_few_donors
from evaluator.inference.placebo import known_donors
from evaluator.inference.rule import TIE, size_of
from evaluator.vocabulary import Floats, Ints, NotEstimable, Placebos

GRID = 65
"""Shares of the variance that falls with size at which the likelihood is looked at first."""
NARROWINGS = 30
"""Golden-section steps from there: the share is found to 1e-8."""
DOUBLINGS, HALVINGS = 60, 45
"""Steps to a kept effect and on to a rejected one, and from there back to the last one kept."""


def ferman_pinto(
    treated: Sequence[Placebos], share: Floats | None = None, *, column: int = 0, level: float = 0.95
) -> Judged | NotEstimable:
    """Return the effect sum_j share_j effect_j of J treated clusters with the two-sided test at their own sizes.

    Under the null that the effect is x, the squares of the donors' effects and of effect_j - x give a and b of the
    variance a + b / size by normal likelihood; each donor's effect is scaled by sqrt(variance at the treated size / at
    its own). p is the share of |sum_j share_j d_j| over scaled donors that is at least |sum_j share_j effect_j - x|,
    the treated one counted; the sums are widened by the error of the donors' mean, which is the same for all treated.
    The interval holds the x with p over 1 - `level`, sought outward from the effect.

    Each of several treated has its own scale, where a set's total size would not tell one large from two small. The
    paper's fit is least squares of the squared effects, which rests on the few smallest donors: with 98 real sizes and
    2,000 draws it rejected 9.7, 3.6 and 6.5 per cent for the smallest, median and largest, the likelihood 2.9, 4.0 and
    3.8 (tests/simulation/few_treated.csv).

    Refused where the donors cannot reach the level or too few of them differ. Raises ValueError as `conley_taber`, and
    where nobody is treated. Source: Ferman and Pinto (2019), Review of Economics and Statistics 101(3), null imposed;
    their fit is least squares and their bootstrap redraws the donors' mean too.
    """
    effect, donors, share = read(treated, share, column)
    if 1 / (fewest(donors) + 1) > size_of(level):
        return too_few_donors(fewest(donors))
    if not all(d.any() for d in donors):
        return no_chance()
    value = float(share @ effect)
    test = _Test(effect, donors, share, _sizes(treated, column))
    low, high = (value + side * _reach(test, value, side, size_of(level)) for side in (-1, 1))
    if low == high:
        return no_chance()
    return Judged(value, test.p_value(0.0), low, high, 1 / (fewest(donors) + 1), "ferman_pinto")


def p_value(treated: Sequence[Placebos], effect: float, share: Floats | None = None, *, column: int = 0) -> float:
    """Return the p-value of the null that the effect is `effect`; as `ferman_pinto` without its interval."""
    effects, donors, share = read(treated, share, column)
    return _Test(effects, donors, share, _sizes(treated, column)).p_value(effect)


def scores(treated: Sequence[Placebos], share: Floats, members: Ints, *, column: int = 0) -> tuple[float, Floats]:
    """Return |effect| over its error under no effect, and those (S,) of sets of donors in the treated ones' places.

    `members` (S, J) index the donors of each; a set with one that is unknown scores minus infinity. Raises as
    `conley_taber`, and when no effect differs from 0.
    """
    effects, donors, share = read(treated, share, column)
    scaled, wider, error = _Test(effects, donors, share, _sizes(treated, column)).scaled(0.0)
    sums = np.zeros(len(members))
    for each, part, values, member in zip(treated, share, scaled, members.T, strict=True):
        table = np.full(each.size.size, np.nan)
        table[known_donors(each, column)] = values
        sums += part * table[member]
    found = np.abs(sums) * wider / error
    return abs(float(share @ effects)) / error, np.where(np.isnan(found), -np.inf, found)


def rank_at_size(values: Floats, size: Floats) -> float:
    """Return the p-value of the first of `values` (1 + D,) among all, each over what is usual at its `size` (1 + D,).

    1 where all are 0. Raises ValueError as `ferman_pinto`.
    """
    if not values.any():
        return 1.0
    return p_value([Placebos(values[:1], values[1:, None], size[1:], float(size[0]))], 0.0)


def variance_of_size(squares: Floats, size: Floats) -> tuple[float, float]:
    """Return a, b >= 0 of the variance a + b / size by normal likelihood of effects with these squares (M,).

    The likelihood is profiled over the share of b; exact at both ends, where either is 0. Raises ValueError when all
    squares are 0 or a size is not over 0.
    """
    if not (squares.any() and (size > 0).all()):
        raise ValueError("variance_of_size: expected an effect that is not 0, and persons behind every one.")
    inverse = 1 / size
    inverse = inverse / inverse.mean()

    def loss(shares: Floats) -> Floats:
        shape = 1 + np.multiply.outer(shares, inverse - 1)
        return np.asarray(squares.size * np.log((squares / shape).mean(axis=-1)) + np.log(shape).sum(axis=-1))

    tried = np.linspace(0, 1, GRID)
    best = int(loss(tried).argmin())
    low, high = tried[max(best - 1, 0)], tried[min(best + 1, GRID - 1)]
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(NARROWINGS):
        inner = np.array([high - golden * (high - low), low + golden * (high - low)])
        left, right = loss(inner)
        low, high = (low, inner[1]) if left <= right else (inner[0], high)
    ends = np.array([0.0, (low + high) / 2, 1.0])
    of_size = float(ends[loss(ends).argmin()])
    scale = float((squares / (1 + of_size * (inverse - 1))).mean())
    return scale * (1 - of_size), scale * of_size / float((1 / size).mean())


class _Test:
    """The test as a function of the effect under the null."""

    def __init__(
        self, effect: Floats, donors: Sequence[Floats], share: Floats, sizes: Sequence[tuple[float, Floats]]
    ) -> None:
        self._effect, self._donors, self._share, self._sizes = effect, donors, share, sizes
        alike = [[np.array_equal(one, other) for other in donors] for one in donors]
        self._alike = [row.index(True) for row in alike]  # one start: one fit, that of its first

    def p_value(self, null: float) -> float:
        """Return the p-value of the null that the effect is `null`."""
        scaled, wider, _ = self.scaled(null)
        chance = np.abs(weighted_sums(scaled, self._share)) * wider
        beyond = chance >= abs(float(self._share @ self._effect) - null) * (1 - TIE)
        return (1 + int(beyond.sum())) / (chance.size + 1)

    def scaled(self, null: float) -> tuple[list[Floats], float, float]:
        """Return each one's donors at its variance, what widens their sum, and the error of the treated ones' sum."""
        fits = {first: self._fit(first, null) for first in set(self._alike)}
        scaled, own, compared = [], np.empty(self._share.size), np.empty(self._share.size)
        for at, (donors, (size, sizes)) in enumerate(zip(self._donors, self._sizes, strict=True)):
            a, b = fits[self._alike[at]]
            theirs = a + b / sizes
            own[at], compared[at] = a + b / size, theirs.mean() / sizes.size
            scaled.append(donors * np.sqrt(own[at] / theirs))
        alone = self._share**2  # a donor's effect holds the comparison's error once, so a sum holds it by these shares
        shared = (self._share @ compared - alone @ compared) / (alone @ own)
        return scaled, float(np.sqrt(1 + shared)), float(np.sqrt(alone @ own))

    def _fit(self, at: int, null: float) -> tuple[float, float]:
        """Return a and b at the start of one treated: of its donors and of all treated that share them."""
        alike = [other for other, first in enumerate(self._alike) if first == at]
        squares = np.append(self._donors[at], self._effect[alike] - null) ** 2
        own = np.array([self._sizes[other][0] for other in alike])
        return variance_of_size(squares, np.append(self._sizes[at][1], own))


def _sizes(treated: Sequence[Placebos], column: int) -> list[tuple[float, Floats]]:
    """Return the persons of each treated one and of its known donors."""
    return [(each.treated_size, each.size[known_donors(each, column)]) for each in treated]


def _reach(test: _Test, value: float, side: int, size: float) -> float:
    """Return the distance from the effect to the last null that is kept on one side; 0 where none is."""
    step = abs(value) or 1.0
    for _ in range(DOUBLINGS):
        if test.p_value(value + side * step) > size:
            break
        step /= 2
    else:
        return 0.0
    for _ in range(DOUBLINGS):
        if test.p_value(value + side * 2 * step) <= size:
            break
        step *= 2
    inside, outside = step, 2 * step
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if test.p_value(value + side * middle) > size else (inside, middle)
    return inside
