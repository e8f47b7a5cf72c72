"""Judge any estimator in worlds whose truth is known: `as_table(judge(GroupTime()))` or `evaluator conformance`."""

from evaluator.conformance.check import Check, Judgement, as_table, conforms
from evaluator.conformance.draws import Effort
from evaluator.conformance.judge import judge, must_recover
from evaluator.conformance.worlds import MAIN, WORLDS, World, named

__all__ = [
    "MAIN",
    "WORLDS",
    "Check",
    "Effort",
    "Judgement",
    "World",
    "as_table",
    "conforms",
    "judge",
    "must_recover",
    "named",
]
