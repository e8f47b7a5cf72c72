"""P-values adjusted for a declared family of outcomes: they bound the chance of any false finding in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.inference.bands import Numbers, family_numbers, usable
from evaluator.inference.joint import exceeds, scores
from evaluator.inference.leave_one_out import Replicates
from evaluator.inference.offered import overall
from evaluator.inference.rule import has_error
from evaluator.vocabulary import Estimate, Floats, NotEstimable, Panel, Sections


@dataclass(frozen=True, slots=True)
class AdjustedP:
    """A number's own p-value and that adjusted for its family."""

    p_value: float
    adjusted: float
    method: str  # "romano_wolf" | "holm"


def holm(p: Floats) -> Floats:
    """Return step-down adjusted p-values (P,); NaN members were not tested and do not count in the family.

    Right under any dependence. Source: Holm (1979), Scandinavian J. Statistics 6(2).
    """
    out = np.full(np.shape(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(np.asarray(p)[known], kind="stable")]
    left = np.arange(order.size, 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(left * np.asarray(p)[order]), 1.0)
    return out


def romano_wolf(numbers: Numbers) -> Floats:
    """Return step-down adjusted p-values (P,) by max|t| with the numbers' own correlation; NaN where there is no error.

    The member with the smallest single-step p is judged against the largest |t| of all, the next against that of the
    others, and so on; adjusted values never fall along the way, nor below the member's own p. Under Holm's where
    members move together. Each member has t at its own degrees of freedom. Source: Romano and Wolf (2005), J. American
    Statistical Association 100(469), the step-down method; the law of max|t| is that of the bands (`joint`), in the
    place of their bootstrap.
    """
    out = np.full(numbers.value.size, np.nan)
    known = np.flatnonzero(has_error(numbers.treated) & usable(numbers.deviations))
    if known.size == 0:
        return out
    deviations, freedom = numbers.deviations[:, known], numbers.freedom[known]
    ratio = np.abs(numbers.value[known]) / np.sqrt((deviations**2).sum(axis=0))
    drawn, own = scores(deviations), _two_sided(ratio, freedom)

    def beyond(member: int, among: list[int]) -> float:
        return exceeds(drawn[:, among].max(axis=1), float(ratio[member]), float(freedom[member]))

    everybody = list(range(known.size))
    order = sorted(everybody, key=lambda member: (beyond(member, everybody), member))
    steps = [max(beyond(member, order[place:]), own[member]) for place, member in enumerate(order)]
    out[known[order]] = np.maximum.accumulate(steps)
    return out


def _two_sided(ratio: Floats, freedom: Floats) -> Floats:
    """Return the p-values (P,) of |t| alone."""
    from scipy.stats import norm, t

    is_normal = np.isinf(freedom)
    return np.asarray(2 * np.where(is_normal, norm.sf(ratio), t.sf(ratio, np.where(is_normal, 1.0, freedom))))


def family_p_values(
    family: Mapping[Any, tuple[Any, Panel | Sections]], kind: str = "simple"
) -> dict[Any, AdjustedP | NotEstimable]:
    """Return each member's p-value adjusted for the whole family, or its refusal; a member is (estimator, data).

    Romano-Wolf where all that can be tested have an error by the rule, otherwise (placebos) Holm. A refused member was
    not tested and does not count.
    """
    found = {name: overall(estimator, data, kind) for name, (estimator, data) in family.items()}
    tested: dict[Any, tuple[Estimate, Replicates]] = {
        name: (own, loo) for name, (own, loo) in found.items() if isinstance(own, Estimate) and loo is not None
    }
    single = np.array([own.p_value for own, _ in tested.values()], dtype=np.float64)
    is_joint = all(has_error(loo.treated[0]) for _, loo in tested.values())
    if is_joint and tested:
        outcomes = {name: family[name][1] for name in tested}
        adjusted = romano_wolf(family_numbers(outcomes, {name: loo for name, (_, loo) in tested.items()}))
    else:
        adjusted = holm(single)
    method = "romano_wolf" if is_joint else "holm"
    made = {
        name: AdjustedP(float(own), float(among), method)
        for name, own, among in zip(tested, single, adjusted, strict=True)
    }
    refused = {name: own for name, (own, _) in found.items() if isinstance(own, NotEstimable)}
    return {name: made.get(name) or refused[name] for name in family}
