"""Did the treated municipality itself change around the start: its population, its mix of benefits, its visitation?

An outcome counted among those in one group moves when people are moved between groups. The re-visitation detector looks
for people missing in one group who turned up in another, beyond what happened in all municipalities.
Units are the treated one first, then its donors; a number that is unknown (suppressed, absent) is NaN, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from evaluator.diagnostics import credibility
from evaluator.diagnostics.rank_check import THRESHOLD, rank_check
from evaluator.inference.ferman_pinto import rank_at_size
from evaluator.inference.judged import MIN_DONORS, too_few_donors
from evaluator.vocabulary import Bools, Diagnostic, Floats, NotEstimable

NOT_MADE_UP = "Ikke opgjort"
POPULATION_WHY = "Vokser eller skrumper kommunen usædvanligt, flytter antallet på ydelse sig, også uden en indsats."
MIX_WHY = "Skifter modtagerne mellem ydelser, kan et fald i én ydelse være en stigning i en anden."
REVISITATION_WHY = (
    "Flyttes modtagere mellem jobparat og aktivitetsparat omkring starten, måles flytningen som effekt. Læs da summen "
    "over grupperne, eller hold borgeren i den gruppe, han eller hun havde før starten."
)


@dataclass(frozen=True, slots=True)
class Around:
    """The periods compared: `window` ahead of the start and its anticipation, and as many from the start on."""

    start: int  # index of the first exposed period
    window: int
    anticipation: int = 0

    @property
    def before(self) -> slice:
        """Return the periods before."""
        return slice(self.start - self.anticipation - self.window, self.start - self.anticipation)

    @property
    def after(self) -> slice:
        """Return the periods after."""
        return slice(self.start, self.start + self.window)

    def fits(self, periods: int) -> bool:
        """Return whether a series of `periods` holds both windows."""
        return self.window > 0 and self.before.start >= 0 and self.after.stop <= periods


@dataclass(frozen=True, slots=True)
class Drift:
    """How much more the treated one changed than all municipalities together did, and who else changed as much."""

    value: float  # log points of population, or the share of recipients who changed group, 0 to 1
    p_value: float  # share of the municipalities, the treated one counted, that changed at least as much
    of: int  # the treated one and the donors with known numbers
    unknown: int  # donors left out for unknown numbers
    by_group: Floats = field(default_factory=lambda: np.empty(0))  # (B,) persons over (under) the number foreseen


@dataclass(frozen=True, slots=True)
class Shares:
    """Each group's share over time, for a chart; NaN where a number is unknown."""

    treated: Floats  # (T, B)
    donors: Floats  # (T, B) mean over the donors with known numbers


def population_drift(population: Floats, around: Around) -> Drift | NotEstimable:
    """Return the change of log mean `population` (1 + D, T), persons, less all municipalities' mean change."""
    if (refused := _unusable(population[:, :, None], around)) is not None:
        return refused
    before, after, known = _means(population[:, :, None], around)
    change = np.log(after[:, 0] / before[:, 0])
    excess = change - change.mean()
    return _drift(excess, before[:, 0], known)


def mix_drift(counts: Floats, around: Around) -> Drift | NotEstimable:
    """Return the share of recipients who left one group and turned up in another, beyond what is common.

    `counts` (1 + D, T, B) are recipients by group (benefits, or visitation groups). Each group is foreseen to change as
    it did in all municipalities together. People over the number foreseen in some groups and missing in others at once
    have moved; the value is the smaller of the two sums, over all foreseen. A fall in one group alone is no move: that
    is what an effect looks like. So that it cannot tip the scales either, the treated one's largest deviation on the
    other side is left out of everybody's sum when they are ranked. Small municipalities change more by chance, so ranks
    are in multiples of what is usual at that number of recipients. Refused as not made up where the series has fewer
    than two groups.
    """
    if counts.ndim != 3 or counts.shape[2] < 2:
        return NotEstimable(
            f"{NOT_MADE_UP}: serien er ikke delt i grupper.", "En serie med tal for hver gruppe, fx visitationsgruppe."
        )
    if (refused := _unusable(counts, around)) is not None:
        return refused
    before, after, known = _means(counts, around)
    if not (before.sum(axis=0) * after.sum(axis=0)).all():
        return NotEstimable(
            f"{NOT_MADE_UP}: en af grupperne findes ikke på begge sider af starten.",
            "Grupper, der findes på begge sider af starten.",
        )
    foreseen = before * after.sum(axis=0) / before.sum(axis=0)
    over = after - foreseen
    side = over if over[0].sum() <= 0 else -over  # the smaller sum of the treated one's is of what is over 0 here
    others = np.delete(side, int(np.argmin(side[0])), axis=1)
    moved = np.maximum(others, 0.0).sum(axis=1) / foreseen.sum(axis=1)
    return _drift(moved, before.sum(axis=1), known, over[0])


def shares_over_time(counts: Floats) -> Shares:
    """Return the groups' shares of `counts` (1 + D, T, B) over time, the treated one's beside its donors' mean."""
    total = counts.sum(axis=2, keepdims=True)
    share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    known = np.isfinite(share[1:])
    mean = np.divide(
        np.where(known, share[1:], 0.0).sum(axis=0),
        known.sum(axis=0),
        out=np.full(share.shape[1:], np.nan),
        where=known.any(axis=0),
    )
    return Shares(share[0], mean)


def population_check(found: Drift | NotEstimable) -> Diagnostic:
    """Judge the drift of the population; a refusal is a check that was not run."""
    return _judged("population_drift", found, POPULATION_WHY)


def benefit_mix_check(found: Drift | NotEstimable) -> Diagnostic:
    """Judge the drift of the mix of benefits; a refusal is a check that was not run."""
    return _judged("benefit_mix", found, MIX_WHY)


def revisitation_check(found: Drift | NotEstimable) -> Diagnostic:
    """Judge the shift between visitation groups; a refusal is a check that was not run."""
    return _judged("revisitation", found, REVISITATION_WHY)


def _judged(name: str, found: Drift | NotEstimable, why: str) -> Diagnostic:
    if isinstance(found, NotEstimable):
        return credibility.not_run(name, THRESHOLD, found.reason)
    return rank_check(name, found.p_value, 1 / found.of, why)


def _unusable(counts: Floats, around: Around) -> NotEstimable | None:
    """Return why numbers (1 + D, T, B) cannot be compared around the start, None when they can."""
    if not around.fits(counts.shape[1]):
        return NotEstimable(
            f"{NOT_MADE_UP}: serien dækker ikke {around.window} perioder på hver side af starten.", "En længere serie."
        )
    known = _known(counts, around)
    if not known[0]:
        return NotEstimable(
            f"{NOT_MADE_UP}: kommunens egne tal er ukendte eller nul omkring starten.",
            "Tal for kommunen i alle perioder, eventuelt for grupper lagt sammen.",
        )
    donors = int(known[1:].sum())
    return too_few_donors(donors) if donors < MIN_DONORS else None


def _known(counts: Floats, around: Around) -> Bools:
    """Return which units (1 + D,) have known numbers of all groups in both windows, and anybody at all in each."""
    windows = (counts[:, around.before], counts[:, around.after])
    known = [np.isfinite(part).all(axis=(1, 2)) & (np.nan_to_num(part).sum(axis=(1, 2)) > 0) for part in windows]
    return np.asarray(known[0] & known[1])


def _means(counts: Floats, around: Around) -> tuple[Floats, Floats, Bools]:
    """Return mean numbers before and after (K, B) of the K known units, treated first, and which units are known."""
    known = _known(counts, around)
    kept = counts[known]
    return kept[:, around.before].mean(axis=1), kept[:, around.after].mean(axis=1), known


def _drift(excess: Floats, size: Floats, known: Bools, *by_group: Floats) -> Drift:
    """Return the treated one's place, the first of `excess` (K,), among all at their `size` (K,)."""
    p_value = rank_at_size(excess, size)
    return Drift(float(excess[0]), p_value, excess.size, int((~known).sum()), *by_group)
