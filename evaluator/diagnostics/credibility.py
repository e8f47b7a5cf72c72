"""Credibility: the worst of its checks, each named. Plausibility is a second light of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaluator.vocabulary import Diagnostic, Light

FEW_TREATED = 15  # below this number of treated clusters the light is amber at best
PRE_TREND_RED = 0.01
PRE_TREND_AMBER = 0.10
PRE_TREND_THRESHOLD = "p over 0,10"
BREAKDOWN = 1.0
BREAKDOWN_THRESHOLD = "mindst 1"
_ORDER = (Light.GREEN, Light.AMBER, Light.RED)


def verdict(diagnostics: Iterable[Diagnostic]) -> Light:
    """Return the worst light; a check that was not run counts as amber."""
    lights = [Light.AMBER if d.verdict is Light.NOT_RUN else d.verdict for d in diagnostics]
    return max(lights, key=_ORDER.index, default=Light.AMBER)


def treated_clusters(number: int) -> Diagnostic:
    """Judge the number of treated clusters behind the primary estimate."""
    return Diagnostic(
        "treated_clusters",
        float(number),
        f"mindst {FEW_TREATED}",
        Light.GREEN if number >= FEW_TREATED else Light.AMBER,
        "Få kommuner med indsats gør usikkerheden svær at vurdere.",
    )


def pre_trend(p_value: float | None, why_not: str = "") -> Diagnostic:
    """Judge the joint test that treated and comparison moved alike before anyone was exposed."""
    if p_value is None:
        return not_run("pre_trend", PRE_TREND_THRESHOLD, why_not)
    light = Light.RED if p_value < PRE_TREND_RED else Light.AMBER if p_value < PRE_TREND_AMBER else Light.GREEN
    why = "Udviklingen før start skal være den samme i de to grupper, ellers måles en gammel forskel som effekt."
    return Diagnostic("pre_trend", p_value, PRE_TREND_THRESHOLD, light, why)


def breakdown(value: float | None, why_not: str = "") -> Diagnostic:
    """Judge how many times the largest change of trends before the start the answer survives after it."""
    if value is None:
        return not_run("breakdown", BREAKDOWN_THRESHOLD, why_not)
    light = Light.GREEN if value >= BREAKDOWN else Light.AMBER
    why = (
        "Så mange gange den største skævhed før start må udviklingen være skæv efter start, før svaret kan være nul; "
        "0 betyder, at intervallet rummer nul i forvejen."
    )
    return Diagnostic("breakdown", value, BREAKDOWN_THRESHOLD, light, why)


def not_run(name: str, threshold: str, why: str) -> Diagnostic:
    return Diagnostic(name, None, threshold, Light.NOT_RUN, why)


@dataclass(frozen=True, slots=True)
class Band:
    """A plausibility band: green inside the first interval, amber inside the second, red outside.

    Shares in percentage points as fractions, hazards as ratios; editable judgement, derived from the literature on
    caseloads and sanctions.
    """

    kind: str
    outcome: str
    green: tuple[float, float]
    amber: tuple[float, float]


BANDS: Sequence[Band] = (
    Band("caseload", "job", (0.0, 0.04), (-0.02, 0.08)),
    Band("caseload", "paid_hours_any", (0.01, 0.10), (0.0, 0.15)),
    Band("caseload", "education", (0.0, 0.06), (-0.02, 0.12)),
    Band("caseload", "self_support", (0.0, 0.04), (-0.02, 0.07)),
    Band("caseload", "recipients", (-0.10, -0.01), (-0.20, 0.03)),
    Band("sanction", "hazard_job", (0.85, 1.15), (0.70, 1.35)),
    Band("sanction", "hazard_self_support", (1.0, 1.6), (0.0, 2.2)),
)


def band_of(kind: str, outcome: str) -> Band | None:
    """Return what earlier studies found for an outcome of this kind of intervention; None when none is known."""
    return next((b for b in BANDS if (b.kind, b.outcome) == (kind, outcome)), None)


def plausibility(kind: str, outcome: str, value: float) -> Light | None:
    """Return the light of an effect against what earlier studies found; None when no band is known.

    Shares as fractions; recipients as a relative change, not in log points.
    """
    band = band_of(kind, outcome)
    if band is None:
        return None
    if band.green[0] <= value <= band.green[1]:
        return Light.GREEN
    return Light.AMBER if band.amber[0] <= value <= band.amber[1] else Light.RED
