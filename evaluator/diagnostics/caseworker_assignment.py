"""Whether who got which caseworker depends on the person: a randomisation test within cells."""

from __future__ import annotations

import numpy as np

from evaluator.estimators.caseworkers.intakes import Intakes
from evaluator.estimators.caseworkers.projection import SINGULAR, Projection
from evaluator.vocabulary import Diagnostic, Floats, Light

SIZE = 0.05
THRESHOLD = "p mindst 0,05"
WHY = (
    "Sagsbehandlere kan kun sammenlignes, når det er tilfældigt, hvem der får hvilken borger. Prøvet på alt, der vides "
    "om borgeren ved indgangen, ved at bytte borgere om inden for samme kommune og periode."
)
NOTHING_KNOWN = "Der er ingen oplysninger om borgerne ved indgangen at prøve på."


def assignment(
    intakes: Intakes, projection: Projection, instrument: Floats, draws: int = 199, seed: int = 20_170_101
) -> Diagnostic:
    """Judge two joint tests together: red when the smaller p, doubled, is under 5 per cent.

    The first is the F of the instrument on all characteristics, the second the sum of squares of the characteristics
    between caseworkers: sorting that has nothing to do with strictness shows in the second alone. Both are compared
    with what persons moved about at random within cells give, (1 + number as large) / (1 + draws), ties counted.

    The second is exact. The first holds the instrument while characteristics move, though colleagues' sanctions go with
    colleagues' characteristics: its p is a little small where characteristics explain sanctions well.
    Source: Fisher (1935), The Design of Experiments, chapter 3; two tests by Bonferroni.
    """
    known = _orthogonal(projection.within(intakes.characteristics))
    if known.shape[1] == 0:
        return Diagnostic("assignment", None, THRESHOLD, Light.NOT_RUN, NOTHING_KNOWN)
    random = np.random.default_rng(seed)
    order = np.argsort(intakes.cell, kind="stable")
    own = _statistics(projection, instrument, known)
    as_large = np.zeros(2)
    for _ in range(draws):
        shuffled = np.empty(order.size, dtype=np.int64)
        shuffled[order] = order[np.argsort(intakes.cell[order] + random.random(order.size))]
        as_large += _statistics(projection, instrument, known[shuffled]) >= own * (1 - SINGULAR)
    p_value = float(min(1.0, 2 * ((1 + as_large) / (1 + draws)).min()))
    return Diagnostic("assignment", p_value, THRESHOLD, Light.RED if p_value < SIZE else Light.GREEN, WHY)


def _statistics(projection: Projection, instrument: Floats, known: Floats) -> Floats:
    return np.array([((instrument @ known) ** 2).sum(), projection.between(known).sum()])


def _orthogonal(within: Floats) -> Floats:
    """Return columns of unit length that span the given ones and are uncorrelated."""
    length = np.sqrt((within**2).sum(axis=0))
    kept = within[:, length > SINGULAR * np.sqrt(within.shape[0])]
    if kept.shape[1] == 0:
        return np.empty((within.shape[0], 0))
    kept = kept / np.sqrt((kept**2).sum(axis=0))
    value, axes = np.linalg.eigh(kept.T @ kept)
    used = value > SINGULAR * value[-1]
    return np.asarray(kept @ axes[:, used] / np.sqrt(value[used]), dtype=np.float64)
