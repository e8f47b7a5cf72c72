"""Caseworkers' strictness as an instrument: what a sanction does to those whom a stricter caseworker would sanction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluator.diagnostics import caseworker_exclusion as exclusion
from evaluator.diagnostics.caseworker_assignment import assignment
from evaluator.diagnostics.credibility import verdict
from evaluator.estimators.caseworkers.intakes import OUTCOMES, Intakes, Setting, comparable, read_intakes
from evaluator.estimators.caseworkers.projection import Projection
from evaluator.estimators.caseworkers.two_stage import Points, points
from evaluator.inference.instruments import METHOD, ClusteredInstrument, NotRejected, Slope
from evaluator.vocabulary import Diagnostic, Estimate, Floats, Light, NotEstimable

FEWEST = 20
"""Caseworkers, each beside a colleague, under which nothing is estimated."""
WEAK = 10.0
"""Effective F of the first stage under which no number is given, only the values that are not rejected."""
UNVARIED = NotEstimable("Ingen, eller alle, af borgerne er sanktioneret.", "Flere borgere eller en anden horisont.")
NOBODY = NotEstimable("Ingen, eller alle, af borgerne er i denne tilstand.", "Flere borgere eller en anden horisont.")
MORE = "Flere borgere pr. sagsbehandler, flere sagsbehandlere eller en længere periode."
SOURCE = (
    "Imbens and Angrist (1994), Econometrica 62(2); Chao, Swanson and Woutersen (2023), J. Econometrics 235(2); "
    "Anderson and Rubin (1949), Annals of Mathematical Statistics 20(1)"
)
NOTES = (
    "Tallet gælder dem, hvis sanktion afhænger af, hvilken sagsbehandler de fik, ikke alle sanktionerede.",
    "Sanktioner kan også virke på dem, der aldrig får en; den virkning måles ikke her.",
    "Strenghed er andelen af alle tildelte borgere, der sanktioneres, også dem, der altid møder op. Blandt dem, der er "
    "udeblevet, er tallet kun en følsomhed, fordi strenghed også flytter, hvem der udebliver.",
    "At strenge sagsbehandlere også er dygtigere, eller dårligere, til andet, ses kun, hvis de er det uens, hvis det "
    "viser sig tidligt, eller hvis nogle borgere ikke kan sanktioneres. Uden nok af de sidste er lyset aldrig grønt.",
)


@dataclass(frozen=True, slots=True)
class FirstStage:
    """How far strictness moves sanctions."""

    slope: float  # of a person's own sanction on the caseworker's strictness, both shares
    se: float
    effective_f: float
    spread: float  # standard deviation of strictness between caseworkers, chance taken out; a share of persons
    sanctioned: float  # share of the persons


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a sanction on the share in one end state; `estimate` has Anderson and Rubin's interval.

    `points` are the same effect by other ways, without errors, and `among_no_shows` that of those who missed a meeting.
    All three are None where the design is refused; a weak first stage leaves `not_rejected` alone, which then need not
    be an interval.
    """

    estimate: Estimate | NotEstimable
    not_rejected: NotRejected | None = None
    points: Points | None = None
    among_no_shows: float | None = None


@dataclass(frozen=True, slots=True)
class Strictness:
    """What `strictness` finds; a red check refuses every effect."""

    effects: Mapping[str, Effect]  # end state -> effect on its share
    first_stage: FirstStage | None
    diagnostics: tuple[Diagnostic, ...]
    persons: int
    caseworkers: int
    dropped: Mapping[str, int]  # persons left out, by reason
    notes: tuple[str, ...] = NOTES

    @property
    def light(self) -> Light:
        """Return the worst of the checks."""
        return verdict(self.diagnostics)


def strictness(frame: Any, outcomes: tuple[str, ...] = tuple(OUTCOMES), setting: Setting | None = None) -> Strictness:
    """Return what a sanction does to each end state, by the strictness of the caseworker at intake.

    `frame` (polars) is `design.intakes` at one horizon: person_id, entry_week, caseworker_id (null: left out and
    counted), state (an end state), is_sanctioned (between entry and horizon), and the columns that `setting` names.
    Its cells must be the level at which who gets whom is as good as drawn, such as municipality, period and team.

    The instrument is the leave-one-out share sanctioned among all whom the caseworker was dealt, net of cells. Refused:
    under 20 caseworkers, characteristics known at intake that tell who gets whom (p under 5 per cent), a first stage
    with effective F under 10 (then only the values not rejected are given), caseworkers who are strict to some and mild
    to others (p under 5 per cent), and signs that they move outcomes other than by sanctions (joint p under 10 per
    cent). Errors leave out one caseworker at a time. Raises PanelError for columns that are absent or cannot be used.
    Source: SOURCE.
    """
    setting = setting or Setting()
    intakes = read_intakes(frame, outcomes, setting)
    if intakes.caseworkers < FEWEST:
        return _result(intakes, dict.fromkeys(outcomes, Effect(_too_few(intakes.caseworkers))), None, ())
    if np.ptp(intakes.sanctioned) == 0:
        return _result(intakes, dict.fromkeys(outcomes, Effect(UNVARIED)), None, ())
    empty = {name: Effect(NOBODY) for name, values in intakes.outcomes.items() if np.ptp(values) == 0}
    intakes = replace(intakes, outcomes={n: y for n, y in intakes.outcomes.items() if n not in empty})
    if not intakes.outcomes:
        return _result(intakes, empty, None, ())
    made = _Made.of(intakes, setting.level)
    stage, checks = made.stage(), [assignment(intakes, made.projection, made.instrument, setting.draws, setting.seed)]
    checks.append(_strong(stage.effective_f))
    if checks[0].verdict is Light.RED:
        effects = dict.fromkeys(intakes.outcomes, Effect(_chosen(checks[0])))
    elif stage.effective_f < WEAK:
        effects = {name: made.weak(values, stage) for name, values in intakes.outcomes.items()}
    else:
        found = {name: made.points(values) for name, values in intakes.outcomes.items()}
        checks += _exclusion(made, found, setting)
        red = [check for check in checks if check.verdict is Light.RED and check.name != "exclusion"]
        among = _among_no_shows(intakes, setting)
        effects = {
            name: Effect(_broken(red)) if red else made.effect(intakes.outcomes[name], point, among.get(name))
            for name, point in found.items()
        }
    return _result(intakes, effects | empty, stage, tuple(checks))


@dataclass(frozen=True, slots=True)
class _Made:
    """The instrument and its first stage."""

    intakes: Intakes
    projection: Projection
    instrument: Floats
    strict: ClusteredInstrument
    first: Slope

    @staticmethod
    def of(intakes: Intakes, level: float) -> _Made:
        projection = Projection(intakes.cell, intakes.caseworker)
        within = projection.within(intakes.sanctioned)
        instrument = projection.left_out(within)
        strict = ClusteredInstrument(instrument, intakes.cell, intakes.caseworker, level)
        return _Made(intakes, projection, instrument, strict, strict.slope(within))

    def stage(self) -> FirstStage:
        """Return the first stage; spread is the covariance of a person's own sanction with the colleagues'."""
        sanctioned = self.intakes.sanctioned
        spread = float(np.sqrt(max(float(self.instrument @ sanctioned), 0.0) / sanctioned.size))
        strength = self.strict.effective_f(self.first) if self.first.value > 0 else 0.0
        return FirstStage(self.first.value, self.first.se, strength, spread, float(sanctioned.mean()))

    def points(self, outcome: Floats) -> Points:
        return points(self.projection, self.instrument, self.intakes.sanctioned, outcome)

    def not_rejected(self, outcome: Floats) -> NotRejected:
        return self.strict.not_rejected(self.first, self.strict.slope(self.projection.within(outcome)))

    def effect(self, outcome: Floats, found: Points, among: float | None) -> Effect:
        reduced, kept = self.strict.slope(self.projection.within(outcome)), self.not_rejected(outcome)
        estimate = Estimate(
            value=found.two_stage,
            se=self.strict.error(self.first, reduced),
            low=kept.low,
            high=kept.high,
            level=self.strict.level,
            n=self.intakes.persons,
            clusters=self.strict.clusters,
            treated_clusters=self.strict.clusters,
            method=METHOD,
            p_value=self.strict.p_value(reduced),
            freedom=self.strict.freedom,
        )
        if kept.kind != "interval":  # an F over 10 can be too little for few caseworkers
            return Effect(_no_end(), kept)
        return Effect(estimate, kept, found, among)

    def weak(self, outcome: Floats, stage: FirstStage) -> Effect:
        reason = (
            f"Sagsbehandlernes strenghed flytter for få sanktioner: F er {_danish(stage.effective_f)}, og der kræves "
            f"mindst {_danish(WEAK)}."
        )
        return Effect(NotEstimable(reason, MORE), self.not_rejected(outcome))


def _exclusion(made: _Made, found: Mapping[str, Points], setting: Setting) -> list[Diagnostic]:
    effects = {name: point.two_stage for name, point in found.items()}
    strict, projection, intakes = made.strict, made.projection, made.intakes
    return [
        exclusion.monotonicity(strict, intakes),
        *exclusion.exclusion(strict, projection, intakes, effects, setting),
        exclusion.levers(strict, projection, intakes),
    ]


def _among_no_shows(intakes: Intakes, setting: Setting) -> dict[str, float]:
    """Return the effects among those who missed a meeting; none where too few caseworkers had several."""
    some = comparable(intakes, intakes.no_show, setting.smallest_caseload)
    if some.caseworkers < FEWEST:
        return {}
    projection = Projection(some.cell, some.caseworker)
    instrument = projection.left_out(projection.within(some.sanctioned))
    moved = float(instrument @ some.sanctioned)
    return {name: float(instrument @ values) / moved for name, values in some.outcomes.items()} if moved > 0 else {}


def _strong(strength: float) -> Diagnostic:
    light = Light.GREEN if strength >= WEAK else Light.RED
    why = "Er sagsbehandlerne næsten lige strenge, siger forskelle mellem deres borgere intet om sanktioner."
    return Diagnostic("first_stage", strength, f"F mindst {_danish(WEAK)}", light, why)


def _result(
    intakes: Intakes, effects: Mapping[str, Effect], stage: FirstStage | None, checks: tuple[Diagnostic, ...]
) -> Strictness:
    return Strictness(effects, stage, checks, intakes.persons, intakes.caseworkers, intakes.dropped)


def _too_few(caseworkers: int) -> NotEstimable:
    return NotEstimable(
        f"Kun {caseworkers} sagsbehandlere deler kommune og periode med en anden; der kræves mindst {FEWEST}.",
        "Flere kommuner, en længere periode, eller sagsbehandler ved indgangen i udtrækket sagsbehandler.",
    )


def _no_end() -> NotEstimable:
    return NotEstimable("Sagsbehandlerne er for få til, at intervallet får en ende.", MORE)


def _chosen(dealt: Diagnostic) -> NotEstimable:
    p_value = _danish(dealt.value or 0.0, 3)
    return NotEstimable(
        f"Hvem der får hvilken sagsbehandler, hænger sammen med, hvem borgeren er (p = {p_value}).",
        "Afgræns til steder, hvor sager fordeles efter tur eller dato, eller sammenlign inden for hold og målgruppe.",
    )


def _broken(red: list[Diagnostic]) -> NotEstimable:
    check = min(red, key=lambda each: each.value or 0.0)
    return NotEstimable(
        f"{check.why} (p = {_danish(check.value or 0.0, 3)})",
        "Sagsbehandlere, der arbejder ens bortset fra sanktioner, eller en metode, der ikke bygger på sagsbehandlere.",
    )


def _danish(value: float, decimals: int = 1) -> str:
    return f"{value:.{decimals}f}".replace(".", ",")
