"""Randomisation inference on t: sets of donors take the treated clusters' places, each with a t of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluator.inference.conley_taber import read
from evaluator.inference.judged import Judged, no_chance, one_treated, too_few_donors
from evaluator.inference.placebo import donor_sets, known_donors
from evaluator.inference.rule import TIE, size_of
from evaluator.vocabulary import Floats, Ints, NotEstimable, Placebos


def randomisation_t(
    treated: Sequence[Placebos], share: Floats | None = None, *, column: int = 0, level: float = 0.95
) -> Judged | NotEstimable:
    """Rank |t| of J >= 2 treated clusters among that of sets of J donors; the interval is value +- c x error.

    t is the share-weighted mean of the members' effects less that of the donors outside the set, over its
    cluster-robust error: (J / (J - 1)) sum_j share_j^2 (e_j - mean)^2 for the members, and the like for the others. The
    treated stand in no set, so their effect moves no donor's t and c is an order statistic of the |t|. Every `Placebos`
    must hold the same donors in the same order.

    Refused with one treated, where t does not measure its chance, and where the donors cannot reach the level. Raises
    ValueError as `conley_taber`, and when the donors are not the same. Source: MacKinnon and Webb (2020), J.
    Econometrics 218(2), RI-t; there the treated may stand among the re-randomised too.
    """
    effect, donors, share = read(treated, share, column)
    if effect.size == 1:
        return one_treated("Randomisering af t")
    known = [known_donors(placebos, column) for placebos in treated]
    if any(each.shape != known[0].shape or (each != known[0]).any() for each in known):
        raise ValueError("randomisation_t: the treated clusters' donors differ; expected the same ones for all.")
    if 1 / (donors[0].size + 1) > size_of(level) or donors[0].size < 2 * effect.size:
        return too_few_donors(donors[0].size)
    table = np.column_stack(donors)
    value, error = _of_treated(effect, table, share)
    means, errors = _of_sets(table, share, _members(table, share))
    if not errors.any():
        return no_chance()
    drawn = np.sort(np.abs(np.divide(means, errors, out=np.zeros_like(means), where=errors > 0)))
    of = drawn.size + 1
    if error == 0 or 1 / of > size_of(level):
        return no_chance()
    reach = float(drawn[-int(size_of(level) * of + TIE)]) * error
    if reach == 0:
        return no_chance()
    p_value = (1 + int((drawn >= abs(value) / error * (1 - TIE)).sum())) / of
    return Judged(value, p_value, value - reach, value + reach, 1 / of, "randomisation_t")


def _members(table: Floats, share: Floats) -> Ints:
    """Return the donors that stand in (S, J); places with the same share and the same effects are one place."""
    _, places = np.unique(np.vstack([share, table]), axis=1, return_inverse=True)
    return np.array(donor_sets(len(table), places.ravel()))


def _of_treated(effect: Floats, table: Floats, share: Floats) -> tuple[float, float]:
    """Return the treated clusters' mean and its error with all donors (D, J) as the comparison."""
    each = effect - table.mean(axis=0)
    value, scale = float(share @ each), effect.size / (effect.size - 1)
    others = table @ share
    variance = scale * (share**2 @ (each - value) ** 2) + ((others - others.mean()) ** 2).sum() / len(table) ** 2
    return value, float(np.sqrt(variance))


def _of_sets(table: Floats, share: Floats, members: Ints) -> tuple[Floats, Floats]:
    """Return mean and error (S,) of every set, the donors outside it as its comparison."""
    outside, places = len(table) - share.size, np.arange(share.size)
    others = table @ share
    rest = (table.sum(axis=0) - table[members].sum(axis=1)) / outside  # (S, J)
    each = table[members, places] - rest
    mean = each @ share
    treated = share.size / (share.size - 1) * ((each - mean[:, None]) ** 2 @ share**2)
    squares = (others**2).sum() - (others[members] ** 2).sum(axis=1)
    centre = (others.sum() - others[members].sum(axis=1)) / outside
    compared = np.maximum(squares - outside * centre**2, 0.0) / outside**2
    return mean, np.sqrt(treated + compared)
