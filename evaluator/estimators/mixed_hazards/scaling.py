"""Columns as small numbers around zero, so that no curvature is lost among far larger ones, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluator.estimators.mixed_hazards.likelihood import Point
from evaluator.estimators.mixed_hazards.spells import Rows
from evaluator.vocabulary import Floats, Ints

LARGE, SMALL = 10.0, 0.01
"""A column with a mean or a spread over the one, or a spread under the other, is centred and divided by its spread."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What each coefficient's column was made smaller by: (x - centre) / size. One hazard after the other, as beta."""

    centre: Floats  # (P,)
    size: Floats  # (P,) over 0
    transition: Ints  # (P,) index of the hazard
    transitions: int

    def own(self, point: Point) -> Point:
        """Return the same point in the units of the columns as they came.

        beta = beta* / size and mu_jk = mu*_jk - sum(centre beta) over the columns of hazard k.
        """
        beta, shift = point.beta / self.size, np.zeros(self.transitions)
        np.add.at(shift, self.transition, self.centre * beta)
        return Point(beta, point.mu - shift, point.share)


def scaled(rows: Rows) -> tuple[Rows, Scale]:
    """Return the rows with large columns made small, and how. Indicators and other small numbers stay as they are."""
    means = [design.mean(axis=0) for design in rows.designs]
    spreads = [design.std(axis=0) for design in rows.designs]
    wide = [
        (spread > 0) & ((np.abs(mean) > LARGE) | (spread > LARGE) | (spread < SMALL))
        for mean, spread in zip(means, spreads, strict=True)
    ]
    centres = [np.where(large, mean, 0.0) for large, mean in zip(wide, means, strict=True)]
    sizes = [np.where(large, spread, 1.0) for large, spread in zip(wide, spreads, strict=True)]
    designs = tuple(
        (design - centre) / size if large.any() else design
        for design, centre, size, large in zip(rows.designs, centres, sizes, wide, strict=True)
    )
    scale = Scale(
        np.concatenate([centres[index] for index in rows.design_of]),
        np.concatenate([sizes[index] for index in rows.design_of]),
        np.repeat(np.arange(len(rows.names)), [len(names) for names in rows.columns]),
        len(rows.names),
    )
    return replace(rows, designs=designs), scale
