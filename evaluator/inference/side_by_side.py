"""Every test of few treated clusters side by side: what it says where the rule offers it, and why not elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluator.inference.conley_taber import conley_taber
from evaluator.inference.ferman_pinto import ferman_pinto
from evaluator.inference.few_treated import BeforeStart, Offer, offers
from evaluator.inference.judged import Judged
from evaluator.inference.placebo import known_donors, randomisation
from evaluator.inference.randomisation_t import randomisation_t
from evaluator.inference.sdid_variance import placebo_error
from evaluator.inference.single_cluster import single_cluster
from evaluator.vocabulary import Floats, NotEstimable, Placebos

NO_RESIDUALS = "Metoden har ikke et forløb, hvis rester kan flyttes hen over tiden."
Answered = Judged | NotEstimable


@dataclass(frozen=True, slots=True)
class Tested:
    """A test with why it is not offered, or what it says."""

    offer: Offer
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class Treated:
    """A number of J treated clusters: each one's placebos, their shares in it (J,), and its column in them."""

    placebos: Sequence[Placebos]
    share: Floats
    column: int = 0

    @property
    def alike(self) -> Sequence[Placebos]:
        """Return the placebos with the donors that are known for all of them."""
        known = np.all([known_donors(each, self.column) for each in self.placebos], axis=0)
        return [replace(each, donors=each.donors[known], size=each.size[known]) for each in self.placebos]


def side_by_side(
    treated: Treated, known: BeforeStart, level: float = 0.95, conformal: Callable[[], Answered] | None = None
) -> tuple[Tested, ...]:
    """Return every test of a number in the order of the rule; `conformal` answers where a method has residuals."""
    found = []
    for offer in offers(known, level):
        if not offer.is_offered:
            found.append(Tested(offer))
            continue
        if offer.method != "conformal":
            said = _said(offer.method, treated, known, level)
        else:
            said = NotEstimable(NO_RESIDUALS, "") if conformal is None else conformal()
        if isinstance(said, Judged):
            found.append(Tested(offer, said))
        else:
            found.append(Tested(Offer(offer.method, said.reason)))
    return tuple(found)


def _said(test: str, treated: Treated, known: BeforeStart, level: float) -> Answered:
    column, (first, *_) = treated.column, treated.placebos
    if test == "ferman_pinto":
        return ferman_pinto(treated.placebos, treated.share, column=column, level=level)
    if test == "randomisation_t":
        return randomisation_t(treated.alike, treated.share, column=column, level=level)
    if test == "single_cluster":
        return single_cluster(first, known.variance_ratio, column=column, level=level)
    if test == "conley_taber":
        return conley_taber(treated.placebos, treated.share, column=column, level=level)
    if test == "placebo_error":
        return placebo_error(first, column=column, level=level)
    if test == "randomisation":
        ranked = randomisation(first, column=column, level=level)
        return Judged(ranked.value, ranked.p_two_sided, ranked.low, ranked.high, 1 / ranked.of, "randomisation")
    raise ValueError(f"{test}: no test of few treated clusters")
