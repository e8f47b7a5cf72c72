"""What the plan says of one municipality's series: which effect it could ever show, horizon by horizon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from evaluator.design.frozen import Design
from evaluator.diagnostics.detectable_effect import POWER
from evaluator.diagnostics.power_by_horizon import MOST_MEMORY, Planned, Prospect, Span, prospect
from evaluator.disclosure import ROUNDING_BASE
from evaluator.errors import PanelError
from evaluator.estimators.mean_log_change import MeanLogChange
from evaluator.evaluation import series
from evaluator.evaluation.placebo_windows import series_trials
from evaluator.evaluation.series import LEVEL
from evaluator.inference.few_treated import autocorrelation
from evaluator.inference.floor import least_donors, most_outcomes
from evaluator.inference.judged import too_few_donors
from evaluator.spec import EvaluationSpec
from evaluator.vocabulary import NEVER, Floats, Ints, Panel

PERIODS = {"month": "måneder", "quarter": "kvartaler"}


@dataclass(frozen=True, slots=True)
class Point:
    """What could be found when so many periods after the start are compared with the year before it."""

    periods: int
    false_starts: int
    law: Prospect


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of one municipality, and what they rest on: no period from its start on."""

    persons: float  # recipients, mean of the year before the start
    donors: int
    periods_before: int
    points: tuple[Point, ...]


def sentences(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> list[str]:
    """Return the lines of the plan, in Danish: the table, or why there is none."""
    method, panel = series.estimator_of(spec), _panel(connection, spec, design)
    if isinstance(panel, str):
        return [f"recipients: ingen styrke, {panel}"]
    found = curve(method, panel)
    if found is None:
        return ["recipients: ingen styrke, kommunens tal i året før starten er ukendte."]
    if found.donors < least_donors(LEVEL):
        return [f"recipients: ingen styrke. {too_few_donors(found.donors).reason}"]
    if not found.points:
        return ["recipients: ingen styrke, tallene før starten er ukendte eller ændrer sig aldrig."]
    return list(_worded(found, spec, PERIODS[spec.panel.period]))


def known_beforehand(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> dict[str, float]:
    """Return facts for the report: the smallest fall, as a share, that a year after the start was likely to show.

    The number of the plan, from data before the start only; nothing where the plan has none.
    """
    method, panel = series.estimator_of(spec), _panel(connection, spec, design)
    if isinstance(panel, str):
        return {}
    known = _last_known(method, panel)
    if known is None or known.donors.size < least_donors(LEVEL):
        return {}
    point = _point(method, panel, known, method.window)
    return {} if point is None else {"detectable_fall": round(float(-np.expm1(-point.law.detectable())), 3)}


def _panel(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> Panel | str:
    """Return the series before the start, or why it will not do."""
    if len(design.treated) != 1:
        many = f"en serie regnes for én kommune ad gangen, og her er {len(design.treated)}"
        return f"{many}. Skriv en specifikation for hver."
    method = series.estimator_of(spec)
    try:
        panel = series.read_panel(connection, spec, design, years_earlier=1)
    except PanelError:
        return "serien har ingen tal før starten."
    if not (panel.cohort != NEVER).any() or len(panel.periods) <= (least := method.window + method.anticipation):
        return f"serien før starten har ikke over {least} {PERIODS[spec.panel.period]}."
    return panel


def curve(method: MeanLogChange, panel: Panel) -> Curve | None:
    """Return what the treated unit of `panel`, all of whose periods are before its start, could show.

    Horizons are 1, 2, 4, 8 and so on, as long as one false start has its base and its periods after. `panel.cohort` is
    a year before the true start. No points where the donors cannot reach the level; None where the treated unit is
    unknown in the last year.
    """
    if (known := _last_known(method, panel)) is None:
        return None
    points, horizon = list[Point](), 1
    while known.donors.size >= least_donors(LEVEL) and (point := _point(method, panel, known, horizon)):
        points.append(point)
        horizon *= 2
    return Curve(known.persons, known.donors.size, len(panel.periods), tuple(points))


@dataclass(frozen=True, slots=True)
class _LastYear:
    """Levels in the year before anybody could react, and how the gaps follow one another."""

    start: int  # index of the true start
    persons: float
    donors: Floats  # (D,)
    memory: float


def _last_known(method: MeanLogChange, panel: Panel) -> _LastYear | None:
    treated = int(np.flatnonzero(panel.cohort != NEVER)[0])
    level = _last_year(method, panel)
    if not np.isfinite(level[treated]):
        return None
    is_donor = (level >= method.minimum_level) & (np.arange(level.size) != treated)
    memory = _memory(panel, np.append(np.flatnonzero(is_donor), treated))
    return _LastYear(int(panel.cohort[treated]) + method.window, float(level[treated]), level[is_donor], memory)


def _point(method: MeanLogChange, panel: Panel, known: _LastYear, horizon: int) -> Point | None:
    """Return what could be found at a horizon; None without a false start, or where nothing ever changes."""
    if not (trials := series_trials(replace(method, after=horizon), panel)):
        return None
    span = Span(known.start, method.window, horizon, method.anticipation)
    law = prospect(trials, Planned(span, known.persons, known.donors), known.memory, LEVEL)
    return None if law is None else Point(horizon, len(trials), law)


def _last_year(method: MeanLogChange, panel: Panel) -> Floats:
    """Return each unit's mean level (N,) over the last window before anybody could react, NaN where unknown."""
    end = len(panel.periods) - method.anticipation
    cells = np.where(panel.observed, panel.outcome, 0.0)[:, end - method.window : end]
    return np.where((cells > 0).all(axis=1), cells.mean(axis=1), np.nan)


def _memory(panel: Panel, rows: Ints) -> float:
    """Return the correlation of log gaps from one period to the next; where too few are known, the highest."""
    whole = rows[(np.where(panel.observed[rows], panel.outcome[rows], 0.0) > 0).all(axis=1)]
    if whole.size < least_donors(LEVEL):
        return MOST_MEMORY
    paths = np.log(panel.outcome[whole])
    return autocorrelation(paths - paths.mean(axis=0))


def _worded(found: Curve, spec: EvaluationSpec, several: str) -> Iterator[str]:
    """Yield the table and what it rests on."""
    relevant = series.relevant_change(spec)
    yield (
        f"recipients: den mindste ændring, som findes i {100 * POWER:.0f} pct. af evalueringer af en kommune med "
        f"{_count(found.persons, spec)} modtagere (test efter Ferman og Pinto, {100 * (1 - LEVEL):.0f} pct.)."
    )
    heads = [f"{several} fra start", "fald, pct.", "færre modtagere", "stigning, pct.", "flere modtagere"]
    asked = [] if relevant is None else [f"{_percent(np.expm1(relevant))} pct. findes i"]
    yield "  " + " | ".join([*heads, *asked, "falske starter"])
    for point in found.points:
        effect = point.law.detectable()
        cells = [str(point.periods)]
        for share in (-np.expm1(-effect), np.expm1(effect)):
            cells += [_percent(share), _count(share * found.persons, spec)]
        if relevant is not None:
            cells.append(f"{100 * point.law.power(abs(relevant)):.0f} pct.")
        cells.append(str(point.false_starts))
        yield "  " + " | ".join(cell.rjust(len(h)) for cell, h in zip(cells, [*heads, *asked, ""], strict=True))
    yield (
        f"  Regnet af de {found.periods_before} {several}, serien har før starten, ingen senere; sammenlignet med det "
        f"sidste år før den. Længere frem kræver en længere serie før starten."
    )
    yield from _floor(found.donors)


def _floor(donors: int) -> Iterator[str]:
    """Yield what the number of donors allows, before anybody chooses outcomes."""
    most = most_outcomes(donors, LEVEL)
    yield (
        f"  Mindst mulige p-værdi: 1/{donors + 1} = {1 / (donors + 1):.3f}".replace(".", ",")
        + f". Så lav bliver den kun, når kommunen efter sin størrelse ligger længere fra de øvrige end alle {donors} "
        f"sammenligningskommuner med kendte tal; med flere end {most} udfald (Holm) kan intet findes."
    )


def _count(persons: float, spec: EvaluationSpec) -> str:
    """Return a number of recipients as it may leave: whole where it is public, else up to a multiple of the base."""
    base = 1 if spec.disclosure.published else ROUNDING_BASE
    if base > 1 and persons <= spec.disclosure.minimum_count:
        return f"højst {spec.disclosure.minimum_count}"
    return f"{int(np.ceil(persons / base)) * base:,}".replace(",", ".")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".replace(".", ",")
