"""Judge an estimator: exact checks on one draw, then worlds in which the truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from evaluator.conformance.check import Check, Judgement, assumed, judged
from evaluator.conformance.draws import Effort, Sample, sample
from evaluator.conformance.exact import exact_checks
from evaluator.conformance.limits import (
    LARGEST_SIZE,
    MOST_REFUSED,
    SMALLEST_COVERAGE,
    Limits,
    simulation_errors,
)
from evaluator.conformance.worlds import EFFECT, NO_OVERLAP, ONE_TREATED, WORLDS, World, drawn_for
from evaluator.errors import EvaluatorError
from evaluator.inference import estimates
from evaluator.vocabulary import Assumption, Estimate

CHECKS_PER_WORLD = 3  # bias, bias by event time, and coverage or size; one world has the error ratio too
EVERY_FIFTH = 5
FEWEST_INTERVALS = 20
FULL = Effort()


def judge(estimator: Any, effort: Effort = FULL, worlds: Sequence[World] = WORLDS) -> tuple[Check, ...]:
    """Return every check of `estimator`; `conforms(checks)` says whether all that it must satisfy hold.

    It must recover each world that breaks none of its `assumes`; in the others it is only measured. The estimand is
    the known effect under the estimator's own weights, so bias is of the method. A correct estimator fails any Monte
    Carlo check with probability of at most 0.1 %. With adjustment, `confounded_trends` must be recovered and
    `no_overlap` refused. Without `effects_without_each_cluster` a fifth of the draws have an
    interval, since refits are slow.
    """
    checks = list(exact_checks(estimator, effort.seed))
    effort.progress(f"{len(checks)} exact checks on one draw")
    required = [world for world in worlds if must_recover(estimator, world)]
    if not required:
        checks.append(judged("all", "worlds to recover", 0.0, ">= 1", False, "it assumes what no world grants"))
    limits = Limits(CHECKS_PER_WORLD * max(len(required), 1) + 1)
    quick = hasattr(estimator, "effects_without_each_cluster")
    intervals = effort.draws if quick else max(effort.draws // EVERY_FIFTH, FEWEST_INTERVALS)
    for world in worlds:
        is_required = world in required
        drawn = sample(estimator, world, effort, intervals if is_required else 0)
        checks += _verdicts(drawn, limits, is_required)
    return (*checks, _without_overlap(estimator, effort.seed), _with_one_treated(estimator, effort.seed))


def must_recover(estimator: Any, world: World) -> bool:
    """Return whether a world grants all that an estimator assumes, given its anticipation and its adjustment."""
    broken = set(world.breaks)
    if getattr(estimator, "anticipation", 0) >= world.early:
        broken.discard(Assumption.NO_ANTICIPATION)
    if world.needs_adjustment and adjusts(estimator):
        broken.discard(Assumption.PARALLEL_TRENDS)
    return not broken & assumed(estimator)


def adjusts(estimator: Any) -> bool:
    """Return whether an estimator says that it adjusts for covariates, by its field `adjustment`."""
    return getattr(estimator, "adjustment", "none") != "none"


def _verdicts(drawn: Sample, limits: Limits, is_required: bool) -> Iterator[Check]:
    """Yield what the draws of a world say."""
    world, asked = drawn.world, len(drawn.draws) + len(drawn.refusals)
    if drawn.failure:
        yield judged(world.name, "fit", None, "no exception but PanelError", False, drawn.failure)
        return
    refused = len(drawn.refusals) / asked
    if refused and is_required:
        yield judged(
            world.name, "draws refused", refused, f"<= {MOST_REFUSED}", refused <= MOST_REFUSED, drawn.refusals[0]
        )
    if len(drawn.draws) < 2:
        if not is_required:
            yield Check(world.name, "draws refused", refused, "", Judgement.REPORTED, drawn.refusals[0])
        return
    yield from (check if is_required else _only_reported(check) for check in _recovery(drawn, limits))
    if is_required:
        yield from _intervals(drawn, limits)


def _recovery(drawn: Sample, limits: Limits) -> Iterator[Check]:
    """Yield bias, overall and by event time, and influence-based errors against the spread of the estimates."""
    world, errors, draws = drawn.world, drawn.errors, len(drawn.draws)
    away, limit = float(simulation_errors(errors[:, None])[0]), limits.bias(draws)
    note = f"{errors.mean():+.4f}, standard deviation {errors.std(ddof=1):.4f}"
    yield judged(world.name, "bias, simulation errors", away, f"<= {limit:.2f}", away <= limit, note)
    by_time = drawn.by_event_time()
    if by_time.size:
        furthest, limit = float(simulation_errors(by_time).max()), limits.bias(draws, by_time.shape[1])
        yield judged(
            world.name,
            "bias by event time",
            furthest,
            f"<= {limit:.2f}",
            furthest <= limit,
            f"{by_time.shape[1]} times",
        )
    if world.is_equal:
        ratio = float(np.mean([draw.se for draw in drawn.draws]) / errors.std(ddof=1))
        low, high = limits.error_ratio(draws)
        holds = low <= ratio <= high
        yield judged(world.name, "error / spread of estimates", ratio, f"{low:.2f} to {high:.2f}", holds)


def _intervals(drawn: Sample, limits: Limits) -> Iterator[Check]:
    """Yield size or coverage of the interval that the engine publishes."""
    asked = [draw for draw in drawn.draws if draw.published]
    held = [draw for draw in asked if draw.covers is not None]
    world = drawn.world
    if len(held) < (1 - MOST_REFUSED) * len(asked):
        share, reason = 1 - len(held) / len(asked), next(draw.published for draw in asked if draw.covers is None)
        yield judged(world.name, "intervals refused", share, f"<= {MOST_REFUSED}", False, reason)
        return
    method = ", ".join(sorted({draw.published for draw in held}))
    if world.is_null:
        share, limit = float(np.mean([draw.rejects for draw in held])), limits.at_most(LARGEST_SIZE, len(held))
        yield judged(world.name, "size of the published test", share, f"<= {limit:.3f}", share <= limit, method)
    else:
        share, limit = float(np.mean([draw.covers for draw in held])), limits.at_least(SMALLEST_COVERAGE, len(held))
        yield judged(world.name, "coverage of the published interval", share, f">= {limit:.3f}", share >= limit, method)


def _only_reported(check: Check) -> Check:
    return Check(check.world, check.check, check.measured, "", Judgement.REPORTED, check.note)


def _without_overlap(estimator: Any, seed: int) -> Check:
    """Return whether an adjusted estimator refuses a world in which no treated municipality has a counterpart."""
    panel = drawn_for(estimator, NO_OVERLAP, seed)
    try:
        found = estimates(estimator, panel, "simple").overall
    except Exception as error:
        is_refusal = isinstance(error, EvaluatorError)
        note = f"{type(error).__name__}: {error}"
        return judged(NO_OVERLAP.name, "is refused", None, "a PanelError", is_refusal, note)
    if not isinstance(found, Estimate):
        return judged(NO_OVERLAP.name, "is refused", None, "a refusal", True, found.reason)
    note = f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}] where {EFFECT:.2f} is true"
    if adjusts(estimator):
        return judged(NO_OVERLAP.name, "is refused", found.value, "a refusal", False, note)
    return Check(NO_OVERLAP.name, "is refused", found.value, "", Judgement.REPORTED, f"{note}; it does not adjust")


def _with_one_treated(estimator: Any, seed: int) -> Check:
    """Return whether one treated municipality is left to randomisation or refused, never given a clustered error."""
    try:
        found = estimates(estimator, drawn_for(estimator, ONE_TREATED, seed), "simple").overall
    except Exception as error:
        note = f"{type(error).__name__}: {error}"
        return judged(ONE_TREATED.name, "no clustered error", None, "", isinstance(error, EvaluatorError), note)
    told = found.method if isinstance(found, Estimate) else found.reason
    holds = not isinstance(found, Estimate) or found.method == "ferman_pinto"
    return judged(ONE_TREATED.name, "no clustered error", None, "randomisation or a refusal", holds, told)
