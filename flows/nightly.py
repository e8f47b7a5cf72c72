"""Load whatever is new, check it and answer every specification in specs/."""

from __future__ import annotations

from prefect import State, flow

from flows import steps
from flows.evaluate import QUIET, answer, prepare
from flows.told import tell_failure


@flow(name="nightly", on_failure=[tell_failure], on_crashed=[tell_failure], **QUIET)
def nightly(project: str) -> list[State]:
    """Write the quality of data and run every spec.

    One that fails leaves its own notice and the others go on, and the night is Failed.
    """
    prepare(project)
    steps.quality(project)
    return [answer(project, spec, return_state=True) for spec in steps.find_specs(project)]
