"""Persons and outcomes summed to clusters, periods and strata of equal covariates; their weights are kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.adjustment.entropy import Tilted, tilted
from evaluator.vocabulary import Floats, Ints, Panel, Sections

LARGEST = 2**25
"""Counts of persons by cluster, period and stratum that are held at most."""
KEPT = 12
"""Sets of weights that are kept, since every outcome of the same persons has the same ones."""


@dataclass(frozen=True, slots=True)
class Strata:
    """Counts and sums of outcomes by cluster, period and stratum of equal covariates."""

    persons: Floats  # (G, T, M)
    total: Floats  # (G, T, M)
    traits: Floats  # (M, K)
    rows: int

    @property
    def periods(self) -> int:
        return self.persons.shape[1]

    def behind(self, periods: tuple[int, ...]) -> Floats:
        """Return the persons of each cluster in some periods (G,); 0 where one is empty.

        Those in which nobody at all enters are no periods.
        """
        persons = self.persons[:, list(periods)].sum(axis=2)
        persons = persons[:, persons.any(axis=0)]
        return np.asarray(np.where((persons > 0).all(axis=1), persons.sum(axis=1), 0.0))

    def composition(self, block: range, weight: Floats) -> Floats:
        """Return covariate means (K, B) in a block, of clusters that weigh (G, B); filled periods count alike."""
        persons = self.persons[:, block.start : block.stop]
        size = persons.sum(axis=2, keepdims=True)
        filled = np.maximum((size > 0).sum(axis=1), 1)
        typical = ((persons / np.where(size > 0, size, 1.0)).sum(axis=1) / filled) @ self.traits  # (G, K)
        weight = np.where(size.any(axis=1), weight, 0.0)
        total = weight.sum(axis=0)
        return np.asarray((typical.T @ weight) / np.where(total > 0, total, 1.0))

    def raw(self) -> Floats:
        """Return the mean outcomes (G, T) with everybody counted once; NaN where there is nobody."""
        persons = self.persons.sum(axis=2)
        return np.divide(self.total.sum(axis=2), persons, out=np.full(persons.shape, np.nan), where=persons > 0)

    def tilted(self, block: range, target: Floats) -> Tilted:
        """Return the weights of the persons of a block of periods at each target."""
        persons = np.ascontiguousarray(self.persons[:, block.start : block.stop])
        return _kept(_Request(persons, self.traits, target))

    def means(self, block: range, found: Tilted) -> Floats:
        """Return weighted mean outcomes (G, T, B) of a block; NaN where there is nobody or no balance."""
        at = slice(block.start, block.stop)
        mass, total = self.persons[:, at] @ found.weight, self.total[:, at] @ found.weight
        known = (mass > 0) & found.is_balanced[:, None]
        return np.divide(total, mass, out=np.full(mass.shape, np.nan), where=known)


class _Request:
    """What weights depend on, equal where its bytes are."""

    def __init__(self, persons: Floats, traits: Floats, target: Floats) -> None:
        self.persons, self.traits, self.target = persons, traits, target
        digest = hashlib.blake2b(str((persons.shape, target.shape)).encode())
        for values in (persons, traits, target):
            digest.update(np.ascontiguousarray(values).tobytes())
        self._digest = digest.digest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Request) and self._digest == other._digest


@lru_cache(maxsize=KEPT)
def _kept(request: _Request) -> Tilted:
    return tilted(request.persons, request.traits, request.target)


def strata_of(data: Panel | Sections, *, is_adjusted: bool) -> Strata:
    """Sum the rows of sections, or the observed cells of a panel, to strata; one stratum without adjustment."""
    if isinstance(data, Sections):
        row, period, outcome = np.arange(data.outcome.size), data.period, data.outcome
    else:
        row, period = np.nonzero(data.observed)
        outcome = data.outcome[row, period]
    given = data.covariates if is_adjusted else np.empty((len(data.covariates), 0))
    if missing := int((~np.isfinite(given)).any(axis=1).sum()):
        raise PanelError(
            f"entropy_balancing: {missing:,} of {len(given):,} rows have a missing covariate; expected numbers. Fill "
            "in the covariates, or leave out those rows or that covariate."
        )
    traits, stratum = _equal(given)
    shape = (int(data.cluster.max()) + 1, len(data.periods), len(traits))
    if np.prod(shape, dtype=np.float64) > LARGEST:
        raise PanelError(
            f"entropy_balancing: the covariates take {len(traits):,} different values in {shape[0]:,} clusters and "
            f"{shape[1]} periods; expected groups. Use grouped traits, fewer of them, or longer periods."
        )
    slot = (data.cluster[row] * shape[1] + period) * shape[2] + stratum.reshape(-1)[row]
    weight, size = data.weight[row], int(np.prod(shape))
    persons: Floats = np.bincount(slot, weights=weight, minlength=size).astype(np.float64)
    total: Floats = np.bincount(slot, weights=weight * outcome, minlength=size).astype(np.float64)
    return Strata(persons.reshape(shape), total.reshape(shape), traits, data.cluster.size)


def _equal(given: Floats) -> tuple[Floats, Ints]:
    """Return the different rows (M, K) of covariates and which of them each row is; one where there are none."""
    stratum = np.zeros(len(given), dtype=np.int64)
    for values in given.T:
        levels, level = np.unique(values, return_inverse=True)
        stratum = np.unique(stratum * levels.size + level, return_inverse=True)[1]
    first = np.unique(stratum, return_index=True)[1]
    return given[first], stratum
