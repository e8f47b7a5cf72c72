"""Sums of products over runs of rows: all that cluster sums, regressions and influence need from the outcome."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evaluator.vocabulary import Floats, Ints

BLOCK = 4096
"""Rows at a time, so that a block of outcomes stays in the processor's cache."""
SHORT = 24
"""Mean length of a run from which one matrix product per run is faster than summing outer products."""
PIECE = 2**13
"""Numbers in one matrix product: in the cache, and few enough that BLAS starts no threads, which cost more than they
save on products this narrow (on two busy cores ten times over)."""


def runs(*keys: Ints) -> Ints:
    """Return where the runs of equal keys (n,) begin."""
    changed = np.zeros(keys[0].size, dtype=np.bool_)
    changed[:1] = True
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed)


def products(left: Floats, right: Floats, first: Ints) -> Floats:
    """Return left' right (S, p, q) of each run of rows; runs begin at `first` (S,)."""
    if left.shape[0] < SHORT * first.size:
        return np.add.reduceat(left[:, :, None] * right[:, None, :], first, axis=0)
    out = np.empty((first.size, left.shape[1], right.shape[1]))
    ends = np.append(first[1:], left.shape[0])
    rows = max(1, PIECE // max(1, right.shape[1]))
    for index, (start, end) in enumerate(zip(first.tolist(), ends.tolist(), strict=True)):
        rest = end - (end - start) % rows
        np.matmul(left[rest:end].T, right[rest:end], out=out[index])
        if start < rest:
            one = left[start:rest].reshape(-1, rows, left.shape[1])
            other = right[start:rest].reshape(-1, rows, right.shape[1])
            out[index] += np.matmul(one.transpose(0, 2, 1), other).sum(axis=0)
    return out


def blocks(first: Ints, rows: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of runs that hold about `BLOCK` rows together."""
    ends = np.append(first[1:], rows)
    start = 0
    while start < first.size:
        stop = max(start + 1, int(np.searchsorted(ends, first[start] + BLOCK, side="right")))
        yield start, stop
        start = stop
