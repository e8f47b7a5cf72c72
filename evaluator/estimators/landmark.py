"""What a sanction does when it comes now and not later: the sanctioned beside those at risk with the same history."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluator.design.risk_cells import Band, CellSums
from evaluator.vocabulary import Cell, Diagnostic, Fit, Floats, Ints, Light, NotEstimable

FEWEST = 20
"""Sanctioned with somebody to compare with, and effective number of compared, under which nothing is estimated."""
SHARE_MATCHED = 0.5
"""Share of the sanctioned with somebody to compare with, under which the answer would be of other people."""
EMPTY = 1e-9
BALANCED, UNBALANCED = 0.1, 0.25
"""Standardised differences: from 0.1 worth a remark (Austin 2009, Statistics in Medicine 28(25)), over 0.25 too much to
be adjusted for by a model (Imbens and Rubin 2015, Causal Inference, section 14)."""
SOURCE = (
    "Sianesi (2004), Review of Economics and Statistics 86(1), doi 10.1162/003465304323023723; Fredriksson and "
    "Johansson (2008), J. Business and Economic Statistics 26(4); van Houwelingen (2007), Scandinavian J. of "
    "Statistics 34(1)"
)


@dataclass(frozen=True, slots=True)
class Balance:
    """A trait's mean among the sanctioned, those at risk, and the compared as they are weighed."""

    trait: str
    treated: float
    at_risk: float
    compared: float
    before: float  # standardised difference of the sanctioned from everybody at risk
    after: float  # the same from the compared, for the sanctioned who have one


@dataclass(frozen=True, slots=True)
class Landmark:
    """Effects on the sanctioned at each horizon, for every end state; shares of an arm sum to one.

    `fit.cells` name them: `outcome` the state, `period` the place of the horizon in `horizons`, `group` the part. The
    standard error is sqrt(sum(influence^2)).
    """

    horizons: tuple[int, ...]
    states: tuple[str, ...]
    fit: Fit  # C effects, influence (G, C)
    treated_share: Floats  # (C,) of the matched sanctioned
    compared_share: Floats  # (C,) of the compared, weighed as the sanctioned: what waiting would have given
    refits: Floats  # (G, C) without each cluster; NaN where nothing is left
    cluster_share: Floats  # (G, C) each cluster's share of the matched sanctioned
    treated: Floats  # (C,) matched sanctioned observed at the horizon
    compared: Floats  # (C,) effective number of person-weeks compared: (sum w)^2 / sum w^2
    share_matched: Floats  # (C,) of the part's first sanctions
    weight_kept: (
        Floats  # (C,) weight of the compared kept over all compared: 1 without censoring, near 1 if weights are right
    )
    balance: tuple[Balance, ...]

    def label(self, column: int) -> tuple[str, int, str]:
        """Return part, horizon in weeks and state."""
        cell = self.fit.cells[column]
        return cell.group, self.horizons[cell.period], cell.outcome


def landmark(found: CellSums) -> Landmark | NotEstimable:
    """Return the effect of a first sanction now, against waiting on, for the sanctioned, from sums over cells.

    In every cell c of history and week the mean outcome of the N1 sanctioned less that of the N0 at risk and not yet
    sanctioned, averaged over the cells by N1. Compared persons may be sanctioned later: the effect is that of now
    against not now, as Sianesi has it, which is less than that of a sanction against none when waiting ends in one;
    with `later = "censored"` it is against none within the horizon. After a year a few heavy weights carry the latter,
    and its intervals are too narrow (tests/simulation/landmark.csv). Either is causal when, within a cell, who is
    sanctioned this week depends on nothing that moves the outcome: no unseen selection, no job already found.

    Influence of a person: (Y - Y0c - effect) / N1 when sanctioned, -(N1c / N0c) (Y - Y0c) / N1 when compared, summed
    to clusters. Weights of censoring count as known. Refused under 20 matched sanctioned, under 20 effective compared,
    and where under half of the sanctioned have anybody to compare with.
    Source: see SOURCE; exact matching, so that its weights are those of a saturated propensity score.
    """
    refusal = _refused(found)
    if refusal is not None:
        return refusal
    clusters = found.sums["cluster"].unique().sort()
    labels = [part for part, number in found.matched.items() if number]
    blocks = [
        _block(found, part, horizon, clusters.to_list())
        for part in labels
        for horizon in range(len(found.matching.horizons))
    ]
    names = _names(found)
    width = len(found.states)

    def each(name: str) -> Floats:
        return np.concatenate([np.full(width, getattr(block, name)) for block in blocks])

    def wide(name: str) -> Floats:
        return np.concatenate([getattr(block, name) for block in blocks], axis=-1)

    cells = tuple(
        Cell(state, 0, horizon, 0, names.get(part, part))
        for part in labels
        for horizon in range(len(found.matching.horizons))
        for state in found.states
    )
    share = np.concatenate([np.repeat(block.cluster_share[:, None], width, axis=1) for block in blocks], axis=1)
    matched = [found.matched[part] / max(found.treated[part], 1) for part in labels for _ in found.matching.horizons]
    return Landmark(
        horizons=found.matching.horizons,
        states=found.states,
        fit=Fit(cells, wide("effect"), wide("influence"), 1),
        treated_share=wide("treated_share"),
        compared_share=wide("compared_share"),
        refits=wide("refits"),
        cluster_share=share,
        treated=each("treated"),
        compared=each("compared"),
        share_matched=np.repeat(matched, width),
        weight_kept=each("weight_kept"),
        balance=_balance(found),
    )


def balance_check(found: Landmark) -> Diagnostic:
    """Return the largest standardised difference that matching leaves."""
    left = max((abs(each.after) for each in found.balance), default=0.0)
    verdict = Light.RED if left > UNBALANCED else Light.AMBER if left > BALANCED else Light.GREEN
    return Diagnostic(
        "balance_after_matching",
        left,
        f"at most {BALANCED:g}; red over {UNBALANCED:g}",
        verdict,
        "Traits that are not matched on show whether the compared were like the sanctioned.",
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """One part at one horizon; K states."""

    effect: Floats  # (K,)
    treated_share: Floats
    compared_share: Floats
    influence: Floats  # (G, K)
    refits: Floats  # (G, K)
    cluster_share: Floats  # (G,)
    treated: float
    compared: float
    weight_kept: float


def _block(found: CellSums, part: str, horizon: int, clusters: list[str]) -> _Block:
    import polars as pl

    rows = found.sums.filter((pl.col("part") == part) & (pl.col("horizon") == found.matching.horizons[horizon]))
    codes = {name: i for i, name in enumerate(clusters)}
    cell = np.unique(rows["cell"].to_numpy(), return_inverse=True)[1]
    cluster = np.array([codes[name] for name in rows["cluster"].to_list()], dtype=np.int64)
    pairs, place = np.unique(cell * len(clusters) + cluster, return_inverse=True)
    cell, cluster = np.divmod(pairs, max(len(clusters), 1))
    is_treated = rows["is_treated"].to_numpy()
    values = rows.select("persons", "weight", *found.states, "square").to_numpy().astype(np.float64)
    ours, theirs = (_by(values * (is_treated == arm)[:, None], place, pairs.size) for arm in (True, False))
    block = _compare(ours[:, :-1], theirs[:, :-1], cell, cluster, len(clusters))
    return replace(block, compared=_effective(ours[:, 0], theirs[:, [0, 1, -1]], cell))


def _by(values: Floats, place: Ints, size: int) -> Floats:
    """Return sums of rows (R, J) by place (size, J)."""
    return np.column_stack([np.bincount(place, weights=column, minlength=size) for column in values.T])


def _compare(ours: Floats, theirs: Floats, cell: Ints, cluster: Ints, clusters: int) -> _Block:
    """Return the block from sums (P, 2 + K) of persons, weight and states by pair of cell and cluster, for both arms.

    The compared share is A / B, A = sum_c N1c / N0c (weighted states), B the same of the weights: with censoring, a
    quotient within cells of two or three persons would be far off.
    """
    cells = int(cell.max(initial=-1)) + 1
    treated, compared = _by(ours, cell, cells), _by(theirs, cell, cells)
    parts = _parts(treated, compared)  # (cells, 1 + K + 1 + K): N1, T, B, A
    total = parts.sum(axis=0)
    share, waiting = _shares(total[None, :])
    both = parts[:, 0] > EMPTY
    safe = np.where(both, compared[:, 0], 1.0)
    ratio = np.where(both, treated[:, 0] / safe, 0.0)
    gap = (compared[:, 2:] - compared[:, 1:2] * waiting) / safe[:, None]
    number, weight = max(float(total[0]), EMPTY), max(float(total[ours.shape[1] - 1]), EMPTY)
    own = (ours[:, 2:] - ours[:, :1] * share) / number
    own -= ours[:, :1] * gap[cell] / weight
    other = theirs[:, 2:] - theirs[:, 1:2] * waiting - theirs[:, :1] * gap[cell]
    inside = both[cell][:, None]
    influence = _by(np.where(inside, own - ratio[cell][:, None] * other / weight, 0.0), cluster, clusters)
    without = total + _by(_parts(treated[cell] - ours, compared[cell] - theirs) - parts[cell], cluster, clusters)
    left = np.subtract(*_shares(without))
    return _Block(
        effect=(share - waiting)[0],
        treated_share=share[0],
        compared_share=waiting[0],
        influence=influence,
        refits=left,
        cluster_share=np.bincount(cluster, weights=np.where(inside[:, 0], ours[:, 0], 0.0), minlength=clusters)
        / number,
        treated=float(total[0]),
        compared=0.0,
        weight_kept=weight / number,
    )


def _effective(ours: Floats, theirs: Floats, cell: Ints) -> float:
    """Return Kish's effective number of the compared, (sum w)^2 / sum w^2, from sums of persons, weight and square."""
    cells = int(cell.max(initial=-1)) + 1
    treated, compared = _by(ours[:, None], cell, cells)[:, 0], _by(theirs, cell, cells)
    ratio = np.divide(treated, compared[:, 0], out=np.zeros(cells), where=compared[:, 0] > EMPTY)
    squares = float(ratio**2 @ compared[:, 2])
    return float(ratio @ compared[:, 1]) ** 2 / squares if squares > 0 else 0.0


def _parts(treated: Floats, compared: Floats) -> Floats:
    """Return what cells (J, 2 + K) with both arms add: sanctioned, their states, and N1 / N0 of weights and states."""
    both = (treated[:, 0] > EMPTY) & (compared[:, 0] > EMPTY)
    ratio = treated[:, :1] / np.where(both, compared[:, 0], 1.0)[:, None]
    return np.where(both[:, None], np.hstack([treated[:, :1], treated[:, 2:], ratio * compared[:, 1:]]), 0.0)


def _shares(total: Floats) -> tuple[Floats, Floats]:
    """Return the shares (J, K) of the sanctioned and the compared from sums of `_parts` (J, 2 + 2 K); NaN for none."""
    half = total.shape[1] // 2
    none = (total[:, :1] <= EMPTY) | (total[:, half : half + 1] <= EMPTY)
    safe = np.where(none, np.nan, total)
    return safe[:, 1:half] / safe[:, :1], safe[:, half + 1 :] / safe[:, half : half + 1]


def _refused(found: CellSums) -> NotEstimable | None:
    treated, matched = sum(found.treated.values()), sum(found.matched.values())
    if matched < FEWEST:
        return NotEstimable(
            f"Færre end {FEWEST} sanktionerede har nogen at blive sammenlignet med.",
            "En længere periode, flere kommuner eller bredere grupper.",
        )
    if matched < SHARE_MATCHED * treated:
        return NotEstimable(
            "Under halvdelen af de sanktionerede har nogen med samme forløb at blive sammenlignet med.",
            "Bredere grupper, fx færre aldersgrupper eller hele år.",
        )
    return None


def _names(found: CellSums) -> dict[str, str]:
    by = found.matching.by
    return {str(code): name for code, name in by.labels().items()} if isinstance(by, Band) else {}


def _balance(found: CellSums) -> tuple[Balance, ...]:
    """Return each trait's means; differences are over sqrt of the mean of both variances before matching."""
    import polars as pl

    ours = found.moments.filter("is_treated").sort("cell")
    theirs = found.moments.filter(~pl.col("is_treated")).sort("cell")
    ratio = ours["persons"].to_numpy() / theirs["persons"].to_numpy()
    rows = []
    for i, trait in enumerate(found.traits):
        names = [f"count_{i}", f"sum_{i}", f"square_{i}"]
        raw = {flag: found.raw.filter(pl.col("is_treated") == flag).select(names).to_numpy().sum(axis=0) for flag in
               (True, False)}  # fmt: skip
        matched = ours.select(names).to_numpy().sum(axis=0)
        compared = (theirs.select(names).to_numpy() * ratio[:, None]).sum(axis=0)
        means = [each[1] / each[0] if each[0] > 0 else np.nan for each in (raw[True], raw[False], matched, compared)]
        spread = [each[2] / each[0] - mean**2 if each[0] > 0 else np.nan for each, mean in
                  ((raw[True], means[0]), (raw[False], means[1]))]  # fmt: skip
        scale = float(np.sqrt(max(float(np.mean(spread)), 0.0)))
        differences = [
            (left - right) / scale if scale > 0 else 0.0 for left, right in ((means[0], means[1]), (means[2], means[3]))
        ]
        rows.append(Balance(trait, means[2], means[1], means[3], *(float(each) for each in differences)))
    return tuple(rows)
