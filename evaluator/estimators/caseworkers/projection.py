"""Averages of caseworkers within cells, with and without a person's own value."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluator.vocabulary import Floats, Ints

SINGULAR = 1e-9
"""Smallest over largest eigenvalue of a block's Gram matrix that counts as more than zero."""


class Projection:
    """Projections of values (N,) or (N, K) on the J caseworkers' indicators, net of C cells.

    With M taking cell means out and P projecting on the indicators net of cells, A = P - M D M, D diagonal such that A
    has no diagonal: `left_out` is A. So A x of a person never uses the person's own x, A is symmetric, and cell effects
    drop out exactly. In a cell where everybody belongs (N persons, caseworkers with n each), A x is the caseworker's
    mean less the cell's, corrected for the share that is one's own; over cells it is the two-way fit.

    Source: Chao, Swanson and Woutersen (2023), J. Econometrics 235(2), the jackknife with fixed effects; plain
    leave-one-out means net of cell means still hold the own value with weight -2/n (Ackerberg and Devereux 2009, Review
    of Economics and Statistics 91(2), on demeaning first).
    """

    def __init__(self, cell: Ints, caseworker: Ints) -> None:
        """Take codes 0..C-1 and 0..J-1 of N persons; every cell holds three persons or more."""
        from scipy.sparse import csr_array

        size = cell.size
        ones, place = np.ones(size), np.arange(size)
        self.cell, self.caseworker = cell, caseworker
        self.cell_size = np.bincount(cell).astype(np.float64)
        self.caseload = np.bincount(caseworker).astype(np.float64)
        if self.cell_size.min() < 3:
            raise ValueError("projection: a cell holds under 3 persons; expected at least that. Leave it out.")
        self._by_cell = csr_array((ones, (cell, place)), shape=(self.cell_size.size, size))
        self._by_caseworker = csr_array((ones, (caseworker, place)), shape=(self.caseload.size, size))
        self._inverse, self.leverage = self._blocks()
        self._own = self._own_weight()

    def within(self, values: Floats) -> Floats:
        """Return values less their cell mean."""
        return values - self._cell_means(values)[self.cell]

    def fitted(self, within: Floats) -> Floats:
        """Return P x of values that sum to zero in cells."""
        level = self._inverse @ (self._by_caseworker @ within)
        return np.asarray(self.within(level[self.caseworker]), dtype=np.float64)

    def between(self, within: Floats) -> Floats:
        """Return x'Px of each column: the sum of squares between caseworkers."""
        sums = self._by_caseworker @ within
        return np.asarray((sums * (self._inverse @ sums)).sum(axis=0), dtype=np.float64)

    def dispersion(self, within: Floats) -> Floats:
        """Return x'Ax of each column: the same without each person's own square."""
        return np.asarray(self.between(within) - self._own @ within**2, dtype=np.float64)

    def left_out(self, within: Floats) -> Floats:
        """Return A x of values (N,) that sum to zero in cells: the fit without each person's own value."""
        return self.fitted(within) - self.within(self._own * within)

    def _cell_means(self, values: Floats) -> Floats:
        sums = self._by_cell @ values
        return np.asarray((sums.T / self.cell_size).T, dtype=np.float64)

    def _blocks(self) -> tuple[Any, Floats]:
        """Return the pseudo-inverse (J, J) of the Gram matrix and the diagonal (N,) of P, by connected part."""
        from scipy.sparse import block_array, csr_array
        from scipy.sparse.csgraph import connected_components

        counts = csr_array(self._by_caseworker @ self._by_cell.T)
        parts, part = connected_components(block_array([[None, counts], [counts.T, None]]), directed=False)
        workers = self.caseload.size
        rows, columns, values = [], [], []
        leverage = np.empty(self.cell.size)
        persons = np.split(np.argsort(part[self.caseworker], kind="stable"), np.cumsum(np.bincount(
            part[self.caseworker], minlength=parts))[:-1])  # fmt: skip
        for index in range(parts):
            mine, cells = np.flatnonzero(part[:workers] == index), np.flatnonzero(part[workers:] == index)
            table = counts[mine][:, cells].toarray()
            share = table / self.cell_size[cells]
            inverse = _pseudo_inverse(np.diag(self.caseload[mine]) - share @ table.T)
            product = inverse @ share
            of_pair = np.diag(inverse)[:, None] - 2 * product + (share * product).sum(axis=0)
            who = persons[index]
            leverage[who] = of_pair[np.searchsorted(mine, self.caseworker[who]), np.searchsorted(cells, self.cell[who])]
            rows.append(np.repeat(mine, mine.size))
            columns.append(np.tile(mine, mine.size))
            values.append(inverse.ravel())
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return csr_array(entries, shape=(workers, workers)), leverage

    def _own_weight(self) -> Floats:
        """Return the diagonal of D: M D M has the diagonal (1 - 2/n) d_i + sum of the cell's d / n^2, solved for d."""
        size = self.cell_size
        total = (self._by_cell @ self.leverage) / (1 - 1 / size)
        return np.asarray((self.leverage - (total / size**2)[self.cell]) / (1 - 2 / size)[self.cell])


def _pseudo_inverse(gram: Floats) -> Floats:
    value, axes = np.linalg.eigh(gram)
    kept = value > SINGULAR * max(float(value[-1]), 1.0)
    return np.asarray((axes[:, kept] / value[kept]) @ axes[:, kept].T, dtype=np.float64)
