"""Whether strict caseworkers sanction everybody more, and differ in nothing else that moves the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from evaluator.diagnostics.caseworker_signs import Signs, chance_of, joint_chance
from evaluator.estimators.caseworkers.intakes import Intakes, Setting
from evaluator.estimators.caseworkers.projection import Projection
from evaluator.inference.instruments import ClusteredInstrument, Slope
from evaluator.inference.multiplicity import holm
from evaluator.inference.rule import has_error
from evaluator.vocabulary import Bools, Diagnostic, Floats, Light

RED = 0.05
AMBER = 0.10
THRESHOLD = "p mindst 0,10"
JOINT = 0.10
"""Level of the joint test."""
JOINT_THRESHOLD = "samlet p mindst 0,10"
SIGNS_DRAWN = 999
"""Draws of residuals' signs: the smallest p must be small, as it is multiplied."""
SMALLEST = 50
"""Persons of a subgroup under which its first stage is not looked at."""
POWER, HIDDEN = 0.80, 0.10
"""How surely which error of the answer, a share, must show among the exempt for a green light."""
NOT_ASKED = {
    "early_complier_shares": "Der er ingen oplysning om, hvor borgerne er på et tidligere tidspunkt.",
    "exempt": "Ingen, eller for få, borgere er undtaget fra sanktioner, så det kan ikke prøves direkte, om strenge "
    "sagsbehandlere også er dygtigere, eller dårligere, til andet.",
}
WHY = {
    "monotonicity": "En streng sagsbehandler skal være streng over for alle grupper, ellers siger tallet intet om "
    "nogen af dem.",
    "complier_shares": "Andelene blandt dem, hvis sanktion afhænger af sagsbehandleren, kan ikke være negative. Er de "
    "det, påvirker sagsbehandleren udfaldet på andre måder end ved sanktioner.",
    "early_complier_shares": "Strenghed flytter allerede tidligt, hvem der forlader ydelsen, mere end sanktionerne til "
    "da kan forklare.",
    "dispersion": "Sagsbehandlernes borgere klarer sig mere forskelligt, end sanktioner og tilfældigheder kan "
    "forklare.",
    "exempt": "Strenghed må ikke flytte udfaldet for borgere, der ikke kan sanktioneres.",
    "exclusion": "Sagsbehandleren må kun påvirke udfaldet ved sanktioner. Prøverne af det er slået sammen til én.",
    "levers": "Strenge sagsbehandlere gør også andet anderledes, for eksempel i antallet af samtaler.",
}


def exclusion(
    strictness: ClusteredInstrument,
    projection: Projection,
    intakes: Intakes,
    effects: Mapping[str, float],
    setting: Setting,
) -> list[Diagnostic]:
    """Judge in one test whether caseworkers move outcomes other than by sanctions, and return its parts beside it.

    The parts: compliers' shares at the horizon, and at the earlier one, are below zero; strictness moves the exempt;
    caseworkers differ by more than sanctions and chance. Their p-values are multiplied. The first three share persons,
    so the product's law is drawn with their correlation; the fourth is orthogonal to the instrument, and so independent
    of them in large samples. Red when the joint p is under JOINT: then the part with the smallest p is red, and every
    other under 5 per cent; without that such a part is amber. Inequalities seldom bind, so a sound design is stopped
    far less often than JOINT (tests/simulation/strictness.csv). Quality that strictness explains whole moves no
    dispersion; without exempt persons it shows only where it turns a complier's share negative.

    `effects` by outcome, shares, are taken out for the dispersion.
    """
    exempt = _exempt(strictness, intakes)
    families = {
        "complier_shares": complier_signs(strictness, projection, intakes.outcomes, intakes.sanctioned),
        "early_complier_shares": complier_signs(
            strictness, projection, _with_rest(intakes.early_outcomes), intakes.early_sanctioned
        ),
        "exempt": _exempt_signs(exempt, intakes),
    }
    usable = {name: signs for name, signs in families.items() if signs is not None}
    chances = {name: chance_of(signs) for name, signs in usable.items()}
    chances["dispersion"] = dispersion(projection, intakes, effects, setting.seed)
    joint = joint_chance(usable, chances["dispersion"])
    made = {name: _part(name, chance, joint, chance == min(chances.values())) for name, chance in chances.items()}
    if exempt is not None and "exempt" in made:
        first = strictness.slope(projection.within(intakes.sanctioned)).value
        hidden = max(_hidden(exempt, values) for values in intakes.outcomes.values()) / first
        made["exempt"] = _with_power(made["exempt"], hidden)
    not_run = {
        name: Diagnostic(name, None, JOINT_THRESHOLD, Light.NOT_RUN, why)
        for name, why in NOT_ASKED.items()
        if name not in made
    }
    light = Light.RED if joint < JOINT else Light.GREEN
    whole = Diagnostic("exclusion", joint, JOINT_THRESHOLD, light, WHY["exclusion"])
    return [whole, *made.values(), *not_run.values()]


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


def complier_signs(
    strictness: ClusteredInstrument, projection: Projection, outcomes: Mapping[str, Floats], sanctioned: Floats
) -> Signs | None:
    """Return compliers' shares in each end state, sanctioned and not, which cannot be below zero.

    Among the sanctioned the share is the slope of outcome x sanctioned over the first stage, among the others that of
    outcome x not sanctioned over minus it; the first stage is positive. At an early horizon with few sanctions shares
    of a state and of all others bound its slope from both sides, by nearly nothing. Source: Balke and Pearl (1997), J.
    American Statistical Association 92(439); Kitagawa (2015), Econometrica 83(5), in its form for means.
    """
    slopes = []
    for outcome in outcomes.values():
        for part, sign in ((sanctioned, 1.0), (1 - sanctioned, -1.0)):
            slope = strictness.slope(projection.within(outcome * part))
            slopes.append(Slope(sign * slope.value, sign * slope.deviations))
    return Signs.of(slopes, strictness.freedom)


def _with_rest(outcomes: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return states and, for each, everything but it."""
    return {**outcomes, **{f"not {name}": 1 - values for name, values in outcomes.items()}}


def dispersion(projection: Projection, intakes: Intakes, effects: Mapping[str, float], seed: int = 20_170_101) -> float:
    """Return the chance that caseworkers differ so much in outcomes beyond sanctions x effect.

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
    own, drawn = projection.dispersion(rest), np.empty((SIGNS_DRAWN, len(effects)))
    for index in range(SIGNS_DRAWN):
        signs = random.integers(0, 2, intakes.persons) * 2.0 - 1.0
        drawn[index] = projection.dispersion(projection.within(signs[:, None] * rest))
    spread = np.where(drawn.std(axis=0) > 0, drawn.std(axis=0), 1.0)
    as_large = int(((drawn / spread).max(axis=1) >= (own / spread).max()).sum())
    return (1 + as_large) / (1 + SIGNS_DRAWN)


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
        self._member, self._clusters = member, strictness.clusters
        self._cell = np.unique(intakes.cell[self._member], return_inverse=True)[1]
        self._kept, cluster = np.unique(strictness.cluster[self._member], return_inverse=True)
        own = self._within(strictness.instrument[self._member])
        self.instrument = ClusteredInstrument(own, self._cell, cluster, strictness.level)

    def slope(self, values: Floats) -> Slope:
        """Return the coefficient of values (N,) of all persons among these; a caseworker without one moves nothing."""
        found = self.instrument.slope(self._within(values[self._member]))
        deviations = np.zeros(self._clusters)
        deviations[self._kept] = found.deviations
        return Slope(found.value, deviations)

    def _within(self, values: Floats) -> Floats:
        means = np.bincount(self._cell, weights=values) / np.bincount(self._cell)
        return np.asarray(values - means[self._cell], dtype=np.float64)


def _exempt(strictness: ClusteredInstrument, intakes: Intakes) -> Among | None:
    among = Among(strictness, intakes, intakes.exempt) if intakes.exempt.sum() >= SMALLEST else None
    return among if among is not None and has_error(among.instrument.clusters) else None


def _exempt_signs(among: Among | None, intakes: Intakes) -> Signs | None:
    """Return the slopes of outcomes among those who cannot be sanctioned, which must be zero; None without them.

    Source: van Kippersluis and Rietveld (2018), The Econometrics J. 21(3), the group without a first stage.
    """
    if among is None:
        return None
    slopes = [among.slope(outcome) for outcome in intakes.outcomes.values()]
    return Signs.of(slopes, among.instrument.freedom, is_zero=True)


def _hidden(exempt: Among, values: Floats) -> float:
    """Return the slope that a test at 5 per cent among the exempt finds with the chance POWER."""
    from scipy.stats import t

    degrees = exempt.instrument.freedom
    return float(t.ppf(1 - RED / 2, degrees) + t.ppf(POWER, degrees)) * exempt.slope(values).se


def _with_power(judged: Diagnostic, hidden: float) -> Diagnostic:
    """Return the check among the exempt with the error of the answer that it finds, amber where that is over HIDDEN."""
    why = (
        f"{judged.why} En fejl i svaret på {100 * hidden:.0f} pct.point ville vise sig her i {100 * POWER:.0f} pct. af "
        "tilfældene."
    )
    light = Light.AMBER if hidden > HIDDEN and judged.verdict is Light.GREEN else judged.verdict
    return replace(judged, verdict=light, why=why)


def _part(name: str, chance: float, joint: float, is_smallest: bool) -> Diagnostic:
    """Return a part of the joint test; it is red only when the whole is."""
    light = Light.GREEN
    if chance < RED or (joint < JOINT and is_smallest):
        light = Light.RED if joint < JOINT else Light.AMBER
    return Diagnostic(name, chance, JOINT_THRESHOLD, light, WHY[name])


def _judged(name: str, p_values: Iterable[float]) -> Diagnostic:
    """Return a check of several tests at once, by the smallest p-value that Holm adjusts."""
    found = np.asarray(list(p_values), dtype=np.float64)
    if found.size == 0:
        return Diagnostic(name, None, THRESHOLD, Light.NOT_RUN, WHY[name])
    smallest = float(holm(found).min())
    light = Light.RED if smallest < RED else Light.AMBER if smallest < AMBER else Light.GREEN
    return Diagnostic(name, smallest, THRESHOLD, light, WHY[name])
