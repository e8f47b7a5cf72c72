"""The treated clusters' effect against weighted sums of the donors' own effects, in two equal tails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from evaluator.inference.floor import least_donors
from evaluator.inference.judged import Judged, no_chance, out_of_reach
from evaluator.inference.placebo import SEED, known_donors
from evaluator.inference.rule import TIE, size_of
from evaluator.vocabulary import Floats, Ints, NotEstimable, Placebos

ALL_SUMS = 20_000
"""Sums of donors' effects up to which all are made; above, DRAWS of them are drawn."""
DRAWS = 9_999


def conley_taber(
    treated: Sequence[Placebos], share: Floats | None = None, *, column: int = 0, level: float = 0.95
) -> Judged | NotEstimable:
    """Return the effect sum_j share_j effect_j of J treated clusters, one `Placebos` each, and its test and interval.

    The law of chance is that of sum_j share_j d_j, each d_j the effect of a donor drawn at the j-th start, with
    replacement, widened by the error of the donors' mean, which is the same for all treated and which each d_j holds
    by itself. `share` (J,) sums to 1; equal without it. p is twice the smaller tail, the treated effect counted in
    both; the interval is that test inverted. It takes donors and treated to vary alike: `ferman_pinto` does not.

    Refused where the tails of the donors alone cannot reach the level, and where too few donors differ. Raises
    ValueError without a finite effect or a known donor. Source: Conley and Taber (2011), Review of Economics and
    Statistics 93(1), without covariates; finite-sample counting as in `randomisation`.
    """
    effect, donors, share = read(treated, share, column)
    floor = 2 / (fewest(donors) + 1)  # sums of the same few donors are not so many placebos
    if floor > size_of(level):
        return out_of_reach(floor, f"Mindst {least_donors(level, 2)} kommuner uden indsats at sammenligne med.")
    wider = np.sqrt(1 + (1 / (share @ share) - 1) / fewest(donors))
    found = _in_tails(float(share @ effect), wider * weighted_sums(donors, share), floor, level)
    return found if found.low < found.high else no_chance()


def fewest(donors: Sequence[Floats]) -> int:
    """Return the number of donors of the treated one that has fewest."""
    return min(each.size for each in donors)


def read(treated: Sequence[Placebos], share: Floats | None, column: int) -> tuple[Floats, list[Floats], Floats]:
    """Return the treated effects (J,), each one's known donors' effects, and the shares (J,), or raise ValueError."""
    effect = np.array([placebos.effect[column] for placebos in treated], dtype=np.float64)
    donors = [placebos.donors[known_donors(placebos, column), column] for placebos in treated]
    share = np.full(effect.size, 1 / max(effect.size, 1)) if share is None else np.asarray(share, dtype=np.float64)
    if not (effect.size and np.isfinite(effect).all() and all(d.size for d in donors)):
        raise ValueError(
            f"few treated: effects {effect.tolist()} with {[d.size for d in donors]} known donors; expected a number "
            "and at least one donor for each."
        )
    if share.shape != effect.shape or (share < 0).any() or abs(share.sum() - 1) > 1e-9:
        raise ValueError(f"few treated: shares {share.tolist()}; expected {effect.size} of at least 0 that sum to 1.")
    return effect, donors, share


def weighted_sums(donors: Sequence[Floats], share: Floats) -> Floats:
    """Return all weighted sums (S,) of one donor's effect for each treated, or DRAWS of them, always the same."""
    if math.prod(d.size for d in donors) <= ALL_SUMS:
        total = np.zeros(1)
        for part, each in zip(share, donors, strict=True):
            total = np.add.outer(total, part * each).ravel()
        return total
    members = _drawn(tuple(d.size for d in donors))
    return np.asarray(sum(part * each[drawn] for part, each, drawn in zip(share, donors, members, strict=True)))


@lru_cache(maxsize=8)
def _drawn(sizes: tuple[int, ...]) -> tuple[Ints, ...]:
    """Return which of so many donors are drawn for each treated, at the fixed seed; kept, as every null asks."""
    rng = np.random.default_rng(SEED)
    return tuple(rng.integers(size, size=DRAWS) for size in sizes)


def _in_tails(value: float, chance: Floats, floor: float, level: float) -> Judged:
    """Return the equal-tailed test of `value` against draws of chance (S,) and its inversion by order statistics."""
    of, slack = chance.size + 1, TIE * abs(value)
    above, below = 1 + int((chance >= value - slack).sum()), 1 + int((chance <= value + slack).sum())
    kept = int(size_of(level) * of / 2 + TIE)  # x stays while at least so many draws lie beyond value - x
    ordered = np.sort(chance)
    return Judged(
        value=value,
        p_value=min(1.0, 2 * min(above, below) / of),
        low=value - float(ordered[-kept]),
        high=value - float(ordered[kept - 1]),
        floor=floor,
        method="conley_taber",
    )
