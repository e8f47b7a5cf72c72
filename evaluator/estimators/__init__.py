"""One method per file; each returns effects with influence functions, or placebos."""

from evaluator.estimators.group_time import GroupTime

__all__ = ["GroupTime"]
