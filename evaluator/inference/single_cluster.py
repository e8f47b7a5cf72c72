"""One treated cluster whose variance is at most a declared multiple of the others': the rearrangement test."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from evaluator.inference.judged import Judged, no_chance
from evaluator.inference.placebo import known_donors
from evaluator.inference.rule import TIE, size_of
from evaluator.vocabulary import Floats, NotEstimable, Placebos

STEPS = 1_000
"""Weights in (0, 1] that are tried; a weight between two of them is rounded up to the next, which is as valid."""
FURTHEST = 9.0
"""Where the normal integral is cut: the mass beyond so many standard deviations is under 1e-18."""
_TRIED = np.arange(1, STEPS + 1) / STEPS
_CUTS = np.geomspace(1e-2, 2.0, 120)
_NODES, _MASS = np.polynomial.legendre.leggauss(80)


def single_cluster(
    placebos: Placebos, variance_ratio: float, *, column: int = 0, level: float = 0.95
) -> Judged | NotEstimable:
    """Test one treated cluster's effect when its variance is at most `variance_ratio` times that of all but one donor.

    With gain = effect less the donors' mean m, the upper test rejects when (1 - w) x gain is over every donor's effect
    less m, w the smallest weight whose `size_bound` is half of 1 - `level`; the lower test likewise. p is the smallest
    level at which either rejects, doubled; the interval is the test inverted, in closed form. Nothing is drawn and no
    variance is estimated; donors may differ as they like.

    Refused where no weight reaches the level: too few donors or too large a ratio. Raises ValueError for a ratio that
    is not over 0, or without a finite effect and two known donors. Source: Hagemann (2025), Review of Economic Studies
    92(6), Algorithm 3.3 and the weights of Table 1, by the author's public R code.
    """
    effect, donors = float(placebos.effect[column]), placebos.donors[known_donors(placebos, column), column]
    if not (np.isfinite(effect) and donors.size >= 2 and 0 < variance_ratio < np.inf):
        raise ValueError(
            f"single_cluster: effect {effect}, {donors.size} known donors, ratio {variance_ratio}; expected a number, "
            "at least two donors and a ratio over 0."
        )
    weight = least_weight(donors.size, variance_ratio, level)
    if weight is None:
        return _no_weight(donors.size, variance_ratio)
    centre = float(donors.mean())
    gain, highest, lowest = effect - centre, float(donors.max()) - centre, float(donors.min()) - centre
    if highest - lowest <= TIE * abs(effect):
        return no_chance()
    bound = _bounds(donors.size, variance_ratio)
    side = (gain, highest) if gain >= 0 else (-gain, -lowest)
    return Judged(
        value=effect,
        p_value=min(1.0, 2 * _smallest(bound, *side)),
        low=gain - highest / (1 - weight),
        high=gain - lowest / (1 - weight),
        floor=smallest_p(donors.size, variance_ratio),
        method="single_cluster",
    )


def least_weight(donors: int, variance_ratio: float, level: float = 0.95) -> float | None:
    """Return the smallest weight whose bound on each tail is at most half the level, None where there is none."""
    enough = np.flatnonzero(_bounds(donors, variance_ratio) <= size_of(level) / 2)
    weight = float(_TRIED[enough[0]]) if enough.size else 1.0
    return weight if weight < 1 else None


def smallest_p(donors: int, variance_ratio: float) -> float:
    """Return the smallest two-sided p-value that any effect can have; a weight of 1 lets none be over the donors."""
    return min(1.0, 2 * float(_bounds(donors, variance_ratio)[:-1].min()))


def size_bound(donors: int, variance_ratio: float, weight: Floats) -> Floats:
    """Return the bound on the size of the one-sided test at each weight (W,), for q donors and rho^2 the ratio.

    2^-(q+1) + int_0^inf Phi((1 - w) rho y)^(q-1) phi(y) dy + min_b {Phi(w sqrt(q-1) b)^(q-1) + 2 Phi(-b q)}. Every
    b > 0 gives a valid bound, so the smallest on a grid does.
    """
    from scipy.special import ndtr

    q, rho = donors, np.sqrt(variance_ratio)
    y = FURTHEST / 2 * (_NODES + 1)
    density = np.exp(-(y**2) / 2) / np.sqrt(2 * np.pi) * _MASS * FURTHEST / 2
    integral = ndtr((1 - weight)[:, None] * rho * y) ** (q - 1) @ density
    mean_error = (ndtr(weight[:, None] * np.sqrt(q - 1) * _CUTS) ** (q - 1) + 2 * ndtr(-_CUTS * q)).min(axis=1)
    return np.asarray(2.0 ** -(q + 1) + integral + mean_error)


@lru_cache(maxsize=256)
def _bounds(donors: int, variance_ratio: float) -> Floats:
    """Return the bounds at the tried weights."""
    found = size_bound(donors, variance_ratio, _TRIED)
    found.setflags(write=False)
    return found


def _smallest(bound: Floats, gain: float, highest: float) -> float:
    """Return the smallest one-sided level at which a gain is over the highest donor: the least bound among its weights.

    At gain 0 no weight rejects: the level is 1.
    """
    usable = (1 - _TRIED) * gain > highest * (1 + TIE)
    return float(bound[usable].min()) if usable.any() else 1.0


def _no_weight(donors: int, variance_ratio: float) -> NotEstimable:
    told = f"{variance_ratio:.1f}".replace(".", ",")
    return NotEstimable(
        f"Med {donors} sammenligningskommuner og en varians, der må være {told} gange de andres, kan testen aldrig "
        "afvise på det ønskede niveau.",
        "Flere kommuner uden indsats, eller et lavere forhold mellem varianserne, som kan begrundes.",
    )
