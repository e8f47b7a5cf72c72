"""Whether strict caseworkers sanction everybody more, and differ in nothing else that moves the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from evaluator.estimators.caseworkers.intakes import Intakes
from evaluator.estimators.caseworkers.projection import Projection
from evaluator.inference.instruments import ClusteredInstrument, Slope
from evaluator.inference.multiplicity import holm
from evaluator.inference.rule import has_error
from evaluator.vocabulary import Bools, Diagnostic, Floats, Light

RED = 0.05
AMBER = 0.10
THRESHOLD = "p mindst 0,10"
SMALLEST = 50
"""Persons of a subgroup under which its first stage is not looked at."""
NOT_ASKED = "Der er ingen oplysning om, hvem der ikke kan sanktioneres."
WHY = {
    "monotonicity": "En streng sagsbehandler skal være streng over for alle grupper, ellers siger tallet intet om "
    "nogen af dem.",
    "complier_shares": "Andelene blandt dem, hvis sanktion afhænger af sagsbehandleren, kan ikke være negative. Er de "
    "det, påvirker sagsbehandleren udfaldet på andre måder end ved sanktioner.",
    "dispersion": "Sagsbehandlernes borgere klarer sig mere forskelligt, end sanktioner og tilfældigheder kan "
    "forklare.",
    "exempt": "Strenghed må ikke flytte udfaldet for borgere, der ikke kan sanktioneres.",
    "levers": "Strenge sagsbehandlere gør også andet anderledes, for eksempel i antallet af samtaler.",
}


def monotonicity(strictness: ClusteredInstrument, intakes: Intakes) -> Diagnostic:
    """Judge the first stage in each subgroup: red when one is negative (Holm, 5 per cent), amber at 10.

    Source: Bhuller, Dahl, Loeken and Mogstad (2020), J. Political Economy 128(4), with the instrument of all persons.
    """
    falling = []
    for member in intakes.subgroups.values():
        among = Among(strictness, intakes, member) if member.sum() >= SMALLEST else None
        if among is not None and has_error(among.instrument.clusters):
            falling.append(among.instrument.p_value(among.slope(intakes.sanctioned), is_above=False))
    return _judged("monotonicity", falling)


def complier_shares(strictness: ClusteredInstrument, projection: Projection, intakes: Intakes) -> Diagnostic:
    """Judge whether compliers' shares in each end state, sanctioned and not, are below zero (Holm).

    Among the sanctioned the share is the slope of outcome x sanctioned over the first stage, among the others that of
    outcome x not sanctioned over minus it; the first stage is positive. Source: Balke and Pearl (1997), J. American
    Statistical Association 92(439); Kitagawa (2015), Econometrica 83(5), in its form for means.
    """
    below = []
    for outcome in intakes.outcomes.values():
        for part, is_above in ((intakes.sanctioned, False), (1 - intakes.sanctioned, True)):
            slope = strictness.slope(projection.within(outcome * part))
            if slope.se > 0:
                below.append(strictness.p_value(slope, is_above=is_above))
    return _judged("complier_shares", below)


def dispersion(
    projection: Projection, intakes: Intakes, effects: Mapping[str, float], draws: int = 199, seed: int = 20_170_101
) -> Diagnostic:
    """Judge whether caseworkers differ in outcomes beyond sanctions x effect and chance.

    The statistic is e'A e of the second stage's residuals, without each person's own square, against its law when the
    signs of the residuals are drawn, the largest over the outcomes: a test of overidentifying restrictions with as many
    instruments as caseworkers. Effects that differ with strictness bend the line of outcomes too, but by little: with a
    spread of .1 and effects that rise by .3 from nobody sanctioned to all, by a tenth of a percentage point. Source:
    Chao, Hausman, Newey, Swanson and Woutersen (2014), J. Econometrics 178(1), with drawn signs in the place of their
    normal law; for the reading Frandsen, Lefgren and Leslie (2023), American Economic Review 113(1).
    """
    random = np.random.default_rng(seed)
    rest = np.column_stack(
        [projection.within(intakes.outcomes[name] - effect * intakes.sanctioned) for name, effect in effects.items()]
    )
    own, drawn = projection.dispersion(rest), np.empty((draws, len(effects)))
    for index in range(draws):
        signs = random.integers(0, 2, intakes.persons) * 2.0 - 1.0
        drawn[index] = projection.dispersion(projection.within(signs[:, None] * rest))
    spread = np.where(drawn.std(axis=0) > 0, drawn.std(axis=0), 1.0)
    as_large = int(((drawn / spread).max(axis=1) >= (own / spread).max()).sum())
    return _judged("dispersion", [(1 + as_large) / (1 + draws)])


def exempt(strictness: ClusteredInstrument, intakes: Intakes) -> Diagnostic:
    """Judge whether strictness moves the outcomes of those who cannot be sanctioned (Holm); not run without them.

    Source: van Kippersluis and Rietveld (2018), The Econometrics J. 21(3), the group without a first stage.
    """
    among = Among(strictness, intakes, intakes.exempt) if intakes.exempt.sum() >= SMALLEST else None
    if among is None or not has_error(among.instrument.clusters):
        return Diagnostic("exempt", None, THRESHOLD, Light.NOT_RUN, NOT_ASKED)
    slopes = [among.slope(outcome) for outcome in intakes.outcomes.values()]
    return _judged("exempt", [among.instrument.p_value(slope) for slope in slopes if slope.se > 0])


def levers(strictness: ClusteredInstrument, projection: Projection, intakes: Intakes) -> Diagnostic:
    """Judge whether strict caseworkers differ in what else they decide; amber at worst, since sanctions move it too."""
    found = [
        strictness.p_value(strictness.slope(projection.within(values)))
        for values in intakes.levers.values()
        if np.ptp(values) > 0
    ]
    judged = _judged("levers", found)
    light = Light.AMBER if judged.verdict is Light.RED else judged.verdict
    return Diagnostic(judged.name, judged.value, judged.threshold, light, judged.why)


class Among:
    """The instrument among some of the persons, its and their values' cell means taken anew."""

    def __init__(self, strictness: ClusteredInstrument, intakes: Intakes, member: Bools) -> None:
        self._member = member
        self._cell = np.unique(intakes.cell[self._member], return_inverse=True)[1]
        cluster = np.unique(strictness.cluster[self._member], return_inverse=True)[1]
        own = self._within(strictness.instrument[self._member])
        self.instrument = ClusteredInstrument(own, self._cell, cluster, strictness.level)

    def slope(self, values: Floats) -> Slope:
        """Return the coefficient of values (N,) of all persons among these."""
        return self.instrument.slope(self._within(values[self._member]))

    def _within(self, values: Floats) -> Floats:
        means = np.bincount(self._cell, weights=values) / np.bincount(self._cell)
        return np.asarray(values - means[self._cell], dtype=np.float64)


def _judged(name: str, p_values: Iterable[float]) -> Diagnostic:
    """Return a check of several tests at once, by the smallest p-value that Holm adjusts."""
    found = np.asarray(list(p_values), dtype=np.float64)
    if found.size == 0:
        return Diagnostic(name, None, THRESHOLD, Light.NOT_RUN, WHY[name])
    smallest = float(holm(found).min())
    light = Light.RED if smallest < RED else Light.AMBER if smallest < AMBER else Light.GREEN
    return Diagnostic(name, smallest, THRESHOLD, light, WHY[name])
