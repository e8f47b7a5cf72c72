"""Timing of events: what a treatment does to several exits when who is treated depends on what nobody recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from evaluator.backends import backend
from evaluator.estimators.mixed_hazards.frame import Columns, Model, entered_late, rows_of
from evaluator.estimators.mixed_hazards.likelihood import Point, Slopes
from evaluator.estimators.mixed_hazards.mass_points import Search, path
from evaluator.estimators.mixed_hazards.scaling import scaled
from evaluator.estimators.mixed_hazards.spells import Rows, spells_of
from evaluator.vocabulary import Diagnostic, Estimate, Floats, Light, NotEstimable

Criterion = Literal["aic", "bic", "hannan_quinn"]
Errors = Literal["outer", "hessian", "robust"]
FEWEST = 10
"""Transitions of a kind, and exits after the treatment, under which a hazard is not estimated."""
KNOWN = 1e-6
"""Information of a mass point's parameter under which it is at the end of its range, and held there."""
TOLD = 1e-8
"""Information in some direction, as a share of each parameter's own, under which the data do not tell it."""
ALARM, ALARM_AWAY = 0.05, 0.01
"""Levels of the two tests for anticipation; together they flag at most 6 % where there is none."""
SOURCE = (
    "Abbring and van den Berg (2003), Econometrica 71(5); Gaure, Roed and Zhang (2007), J. Econometrics 141(2), "
    "section 4; Heckman and Singer (1984), Econometrica 52(2); Lindsay (1983), Annals of Statistics 11(1)"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the hazards look like and how hard the heterogeneity is looked for."""

    timing: Literal["exact", "interval"] = "exact"  # a transition is at its row's end, or somewhere within the row
    baseline: tuple[float, ...] = ()  # times in the spell at which the baseline hazards jump
    risk_sets: Mapping[str, tuple[str, ...]] | None = None
    criterion: Criterion = "aic"  # which number of mass points is the answer (Gaure, Roed and Zhang recommend AIC)
    search: Search = field(default_factory=Search)
    workers: int = 1  # processes among which the starts are shared


@dataclass(frozen=True, slots=True)
class MassPoints:
    """The fit with J mass points."""

    labels: tuple[str, ...]  # (P,) transition.column
    transitions: tuple[str, ...]  # (K,)
    persons: int
    point: Point
    slopes: Slopes  # where column p was divided by size[p], and centred
    size: Floats  # (P,)
    left: float  # log-likelihood that other mass points can still gain at most, coefficients held; 0 is the optimum
    has_converged: bool

    @property
    def number(self) -> int:
        return len(self.point.share)

    @property
    def log_likelihood(self) -> float:
        return self.slopes.value

    @property
    def is_told(self) -> bool:
        """Return whether the data tell every coefficient: each has an error."""
        return bool(np.isfinite(self.covariance()).all())

    def criterion(self, name: Criterion) -> float:
        """Return AIC, BIC or Hannan-Quinn: lower is better; n is persons."""
        penalty = {"aic": 2.0, "bic": np.log(self.persons), "hannan_quinn": 2 * np.log(np.log(self.persons))}[name]
        return float(penalty * len(self.slopes.gradient) - 2 * self.log_likelihood)

    def covariance(self, errors: Errors = "outer") -> Floats:
        """Return the covariance (P, P) of the coefficients.

        `outer` is the inverse of the sum of the scores' outer products (R durmod's), `hessian` of minus the Hessian,
        `robust` the sandwich of both. Parameters at the end of their range (a mass point that never leaves that way)
        are held there. NaN where the information is singular. As always with this model, the number of mass points is
        taken as known.
        """
        information = -self.slopes.hessian if errors != "outer" else self.slopes.outer
        count, known = len(self.labels), np.diag(self.slopes.outer)
        kept = known > np.where(np.arange(len(known)) < count, 0.0, KNOWN)
        unit = np.sqrt(known[kept])
        part = information[np.ix_(kept, kept)] / np.outer(unit, unit)
        if not kept[:count].all() or np.linalg.eigvalsh(part).min() <= TOLD:
            return np.full((count, count), np.nan)
        inverse = np.linalg.inv(part)
        if errors == "robust":
            inverse = inverse @ (self.slopes.outer[np.ix_(kept, kept)] / np.outer(unit, unit)) @ inverse
        inverse /= np.outer(unit, unit)
        return np.asarray(inverse[:count, :count] / np.outer(self.size, self.size), dtype=np.float64)

    def estimate(self, label: str, minus: str | None = None, level: float = 0.95) -> Estimate:
        """Return a log hazard ratio, or the difference of two, by its label `exit.column`."""
        weights = np.zeros(len(self.labels))
        weights[self.labels.index(label)] = 1.0
        if minus is not None:
            weights[self.labels.index(minus)] -= 1.0
        value = float(weights @ self.point.beta)
        se = float(np.sqrt(weights @ self.covariance() @ weights))
        reach = NormalDist().inv_cdf((1 + level) / 2) * se
        p_value = 2 * NormalDist().cdf(-abs(value) / se) if se > 0 else None
        return Estimate(
            value, se, value - reach, value + reach, level, self.persons, self.persons, 0, "timing_of_events", p_value
        )


@dataclass(frozen=True, slots=True)
class TimingOfEvents:
    """Fits with 1, 2, ... mass points; the first is the model without unobserved heterogeneity."""

    path: tuple[MassPoints, ...]
    exits: tuple[str, ...]
    treatments: Mapping[str, tuple[str, ...]]
    criterion: Criterion = "aic"

    @property
    def chosen(self) -> MassPoints:
        """Return the fit with the lowest criterion among those that have errors, among all where none has."""
        known = [fit for fit in self.path if fit.is_told]
        return min(known or self.path, key=lambda fit: fit.criterion(self.criterion))

    def effects(self) -> list[dict[str, Any]]:
        """Return a row for each number of mass points, exit and effect: how the answer moves along the path.

        A fit that is not chosen may have no errors (None), where its mass points say the same twice.
        """
        chosen = self.chosen  # looks at the errors of every fit
        return [
            {
                **{"mass_points": fit.number, "exit": leaving, "effect": column, "log_likelihood": fit.log_likelihood},
                **{"value": found.value, "is_chosen": fit is chosen},
                "se": None if found.se is None or np.isnan(found.se) else found.se,
            }
            for fit in self.path
            for leaving in self.exits
            for columns in self.treatments.values()
            for column in columns
            for found in [fit.estimate(f"{leaving}.{column}")]
        ]


def timing_of_events(
    frame: Any,
    *,
    exits: Sequence[str],
    treatments: Mapping[str, Sequence[str]],
    covariates: Sequence[str] = (),
    columns: Columns | None = None,
    setting: Setting | None = None,
    states: Mapping[str, Sequence[str]] | None = None,
) -> TimingOfEvents | NotEstimable:
    """Return effects of treatments on the log hazards of competing exits, with correlated unobserved heterogeneity.

    `frame` (polars or pandas) has a row per person and interval. `treatments` names the transitions into treatment,
    each with the columns of its effect, which are zero before it: an indicator, or one for each time since it, type or
    group (`frame.with_time_since`). They move the exits; `covariates` move exits and treatments. `states` names what
    comes before a treatment, a no-show or a hearing, in the same way: its columns, such as an indicator of the weeks
    after a no-show, move exits, treatments and other states wherever they vary in the risk set. A person's likelihood
    is sum_j p_j prod_rows h_k^y exp(-duration sum_k h_k), h_k = exp(mu_jk + x beta_k), over the risk set of each row;
    within intervals exp(-dH) becomes (1 - exp(-dH)) / H where a transition took place.

    With more than one mass point persons are followed from the beginning of their spell on: rows without a risk set
    bridge the time in which nothing is possible.

    The effect is causal if nobody acts on the moment of a treatment before it comes; `anticipation` looks for signs of
    it. It is the effect of being treated, not of the threat. Raises PanelError as `rows_of`.
    Source: see SOURCE; checked against R durmod 1.1-4 in tests/golden/test_timing_of_events.py.
    """
    setting, columns = setting or Setting(), columns or Columns()
    effects = tuple(dict.fromkeys(column for group in treatments.values() for column in group))
    before = tuple(dict.fromkeys(column for group in (states or {}).values() for column in group))
    moved = dict.fromkeys(exits, (*covariates, *before, *effects))
    moved |= dict.fromkeys((*treatments, *(states or {})), (*covariates, *before))
    model = Model(moved, setting.baseline, setting.risk_sets, setting.timing == "interval", before)
    rows = rows_of(frame, model, columns)
    if (refusal := _refused(rows, (*before, *effects))) is not None:
        return refusal
    if setting.search.points > 1 and (late := entered_late(frame, columns)):
        return NotEstimable(
            f"{late:,} spells are first seen after they began: who is still there then is chosen by the heterogeneity",
            "Leave out spells that began before the data, or ask for one mass point.",
        )
    from threadpoolctl import threadpool_limits

    small, scale = scaled(rows)
    spells = spells_of(small)
    with threadpool_limits(limits=1):  # the same digits on any number of threads, and faster on small matrices
        fits = path(spells, setting.search, backend(setting.workers))
    answer = TimingOfEvents(
        tuple(
            MassPoints(
                *(spells.labels, rows.names, spells.persons, scale.own(found.ascent.point), found.ascent.slopes),
                *(scale.size, found.left, found.ascent.has_converged),
            )
            for found in fits
        ),
        tuple(exits),
        {name: tuple(group) for name, group in treatments.items()},
        setting.criterion,
    )
    return _untold(answer.chosen) or answer


def anticipation(fit: MassPoints, leaving: str, first: str, later: str) -> Diagnostic:
    """Return whether the effect in the first weeks after a treatment differs from the later one (Wald test at 5 %).

    Whoever has found work stops turning up and is sanctioned in the weeks before the work begins: then the first weeks
    show what caused the sanction, not what it caused. An effect that truly fades looks alike, so that amber does not
    prove anticipation; it asks for a no-show as a state of its own (`states`) and for a treatment dated at its notice.
    Where there is anticipation the later effect is wrong too, as the heterogeneity takes up what the first weeks do not
    (tests/simulation/timing_of_events.csv).
    """
    found = fit.estimate(f"{leaving}.{first}", minus=f"{leaving}.{later}")
    known = found.p_value is not None
    verdict = Light.NOT_RUN if not known else Light.AMBER if (found.p_value or 0.0) < ALARM else Light.GREEN
    return Diagnostic(
        f"anticipation_{leaving}",
        found.value if known else None,
        f"p >= {ALARM:g} for equal effects in the first weeks and later",
        verdict,
        "People who have found work stop turning up: a sanction just before an exit may be caused by it.",
    )


def stays_away(fit: MassPoints, leaving: str, state: str) -> Diagnostic:
    """Return whether those who just stayed away leave that way more than others like them (one-sided test at 1 %).

    Amber says that the coming job may be why they stayed away, and so the cause of a sanction. With the no-show as a
    state of its own (`states`) the effect of the sanction is among those who stayed away, whatever their reason.
    """
    found = fit.estimate(f"{leaving}.{state}")
    known = found.p_value is not None
    is_more = found.value > 0 and (found.p_value or 0.0) < 2 * ALARM_AWAY
    verdict = Light.NOT_RUN if not known else Light.AMBER if is_more else Light.GREEN
    return Diagnostic(
        f"{state}_before_{leaving}",
        found.value if known else None,
        f"p >= {ALARM_AWAY:g} for no more exits after a {state.replace('_', '-')}",
        verdict,
        "People who have found work stop turning up: then the coming job is what the sanction follows.",
    )


def _untold(fit: MassPoints) -> NotEstimable | None:
    """Return why no fit has errors: the columns whose coefficients can move and leave the likelihood alone."""
    if fit.is_told:
        return None
    information = fit.slopes.outer
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    axis = np.abs(np.linalg.eigh(information / np.outer(size, size))[1][:, 0])
    named = [label for label, part in zip(fit.labels, axis, strict=False) if part > axis.max() / 2]
    return NotEstimable(
        f"the data do not tell {'the effects of ' + ', '.join(named) if named else 'the mass points apart'}",
        "Leave out or put together columns that say the same, more persons, or fewer mass points.",
    )


def _refused(rows: Rows, later: Sequence[str]) -> NotEstimable | None:
    """Return why the hazards cannot be estimated: too few transitions, too few after a treatment, repeated columns.

    `later` are the columns that are zero before a treatment or a state.
    """
    count = rows.events.sum(axis=0)
    for k, name in enumerate(rows.names):
        if count[k] < FEWEST:
            return NotEstimable(
                f"under {FEWEST} transitions to '{name}'", "More persons, a longer time, or transitions put together."
            )
        design = rows.designs[rows.design_of[k]][rows.at_risk[:, k]]
        spread = design - design.mean(axis=0)
        scale = np.sqrt((spread**2).sum(axis=0))
        if (scale == 0).any() or np.linalg.matrix_rank(spread / np.maximum(scale, 1e-300)) < design.shape[1]:
            return NotEstimable(
                f"the columns of the hazard to '{name}' do not vary, or repeat one another, in its risk set",
                "Leave out constants and one of the categories.",
            )
        for column in (name for name in later if name in rows.columns[k]):
            treated = rows.designs[rows.design_of[k]][:, rows.columns[k].index(column)] != 0
            if rows.events[treated, k].sum() < FEWEST:
                return NotEstimable(
                    f"under {FEWEST} transitions to '{name}' where '{column}' is not zero",
                    "Longer pieces of the time since the treatment, or types put together.",
                )
        if (end := _one_sided(rows, k)) is not None:
            return NotEstimable(
                f"all transitions to '{name}' are at one end of '{end}', so that its effect has no bound",
                "Leave the column out, or put its category or piece of time together with another.",
            )
    return None


def _one_sided(rows: Rows, k: int) -> str | None:
    """Return a column whose smallest or largest value in the risk set is that of all transitions, None without one."""
    design = rows.designs[rows.design_of[k]]
    left, stayed = design[rows.events[:, k] > 0], design[rows.at_risk[:, k]]
    is_one = left.min(axis=0) == left.max(axis=0)
    at_end = (left[0] == stayed.min(axis=0)) | (left[0] == stayed.max(axis=0))
    return next((name for name, found in zip(rows.columns[k], is_one & at_end, strict=True) if found), None)
