"""Rows in the order in which estimators read them: by cohort and cluster, covariates on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.segments import runs
from evaluator.panel import cohort_codes
from evaluator.vocabulary import Bools, Floats, Ints, Panel, Sections

COLLINEAR = 1e-10
"""Smallest eigenvalue of a correlation matrix under which its columns do not determine a regression."""
THINNED = 4096


@dataclass(frozen=True, slots=True)
class Rows:
    """N rows sorted by cohort and cluster (sections: and period), and O outcomes in their own order."""

    order: Ints  # (N,) position of a row in the data
    first: Ints  # (M,) where the groups of one cohort and cluster begin
    cohort: Ints  # (M,) index into `cohorts`
    cluster: Ints  # (M,) 0..G-1
    weight: Floats  # (N,) sorted
    covariates: Floats  # (N, K) sorted: a constant, and covariates with mean 0 and variance 1
    cohorts: Ints  # (E,) first exposed periods, NEVER last if present
    clusters: int  # G
    data: Panel | Sections
    outcomes: tuple[Floats, ...]  # O of (N, T) or (N,), as delivered
    centre: tuple[float, ...]  # subtracted from each, so that sums keep their digits
    has_gaps: bool  # whether a followed unit is unobserved in some period

    @property
    def size(self) -> int:
        return self.order.size

    @property
    def periods(self) -> int:
        return len(self.data.periods)

    def of_rows(self, values: Ints) -> Ints:
        """Return a group's value (M,) for each of its rows (N,)."""
        return np.repeat(values, np.diff(np.append(self.first, self.size)))

    def outcome(self, at: Ints | slice) -> Floats:
        """Return all outcomes of sorted rows, centred: (n, O x T) if followed, (n, O) in sections.

        Unobserved cells hold whatever was delivered in them.
        """
        rows = self.order[at]
        parts = []
        for values, centre in zip(self.outcomes, self.centre, strict=True):
            part = np.empty((rows.size, *values.shape[1:]))
            np.take(values, rows, axis=0, out=part, mode="clip")  # "clip" goes without a buffer: a third of the time
            part -= centre
            parts.append(part)
        if isinstance(self.data, Sections):
            return np.column_stack(parts)
        return parts[0] if len(parts) == 1 else np.hstack(parts)


def rows_of(data: Panel | Sections, outcomes: Sequence[Floats], *, is_adjusted: bool) -> Rows:
    """Sort the rows of `data`; `outcomes` share its units, cohorts, clusters and weights.

    Raises PanelError for covariates that are missing, constant or collinear.
    """
    has_gaps = isinstance(data, Panel) and not bool(data.observed.all())
    cohorts, code = cohort_codes(data.cohort, len(data.periods))
    clusters = int(data.cluster.max()) + 1
    key = code * clusters + data.cluster
    if cohorts.size * clusters < 2**16:
        key = key.astype(np.uint16)  # sorted in time linear in the rows
    order = np.lexsort((data.period, key)) if isinstance(data, Sections) else np.argsort(key, kind="stable")
    key = key[order]
    first = runs(key)
    covariates = _standardised(data) if is_adjusted else np.ones((key.size, 1))
    return Rows(
        order=order,
        first=first,
        cohort=key[first].astype(np.int64) // clusters,
        cluster=key[first].astype(np.int64) % clusters,
        weight=data.weight[order],
        covariates=covariates[order] if is_adjusted else covariates,
        cohorts=cohorts,
        clusters=clusters,
        data=data,
        outcomes=tuple(outcomes),
        centre=tuple(_centre(values, data.observed if isinstance(data, Panel) else None) for values in outcomes),
        has_gaps=has_gaps,
    )


def inverse(gram: Floats) -> Floats:
    """Return the inverses (..., K, K) of cross products; NaN where their columns are collinear or absent."""
    if gram.shape[-1] == 1:
        return np.divide(1.0, gram, out=np.full(gram.shape, np.nan), where=gram > 0)
    size = np.sqrt(np.einsum("...kk->...k", gram))
    known = np.isfinite(gram).all(axis=(-2, -1)) & (size > 0).all(axis=-1)
    size = np.where(known[..., None], size, 1.0)
    scale = size[..., :, None] * size[..., None, :]
    root, vectors = np.linalg.eigh(np.where(known[..., None, None], gram / scale, np.eye(gram.shape[-1])))
    known &= root[..., 0] > COLLINEAR
    root = np.where(known[..., None], root, np.nan)
    return (vectors / root[..., None, :]) @ np.swapaxes(vectors, -1, -2) / scale


def _standardised(data: Panel | Sections) -> Floats:
    given = data.covariates
    missing = int((~np.isfinite(given)).any(axis=1).sum())
    if missing:
        raise PanelError(
            f"group_time: {missing:,} of {len(given):,} rows have a missing covariate; expected numbers. "
            "Fill in the covariates, or leave out those rows or that covariate."
        )
    if not data.weight.sum() > 0:
        raise PanelError("group_time: all weights are 0; expected persons. Check the column of weights.")
    share = data.weight / data.weight.sum()
    mean = share @ given
    out = np.empty((len(given), given.shape[1] + 1))
    out[:, 0] = 1.0
    np.subtract(given, mean, out=out[:, 1:])
    spread = np.sqrt(np.einsum("n,nk,nk->k", share, out[:, 1:], out[:, 1:]))
    constant = spread <= np.sqrt(COLLINEAR) * np.abs(given).max(axis=0, initial=0.0)
    out[:, 1:] /= np.where(constant, 1.0, spread)
    if constant.any() or not np.isfinite(inverse(np.einsum("n,nk,nl->kl", share, out, out, optimize=True))).all():
        raise PanelError(
            f"group_time: the {given.shape[1]} covariates are collinear ({int(constant.sum())} constant); expected "
            "each to tell something new beside a constant. Leave out what others determine."
        )
    return out


def _centre(outcome: Floats, observed: Bools | None) -> float:
    """Return about the mean: of some rows, since any number near will do."""
    step = 1 + len(outcome) // THINNED
    some = outcome[::step] if observed is None else outcome[::step][observed[::step]]
    return float(some.mean()) if some.size else 0.0
