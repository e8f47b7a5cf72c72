"""One method per file; each returns effects with influence functions, or placebos."""

from evaluator.estimators.group_time import GroupTime
from evaluator.estimators.mean_log_change import MeanLogChange
from evaluator.estimators.municipality_panel import MunicipalityPanel

__all__ = ["GroupTime", "MeanLogChange", "MunicipalityPanel"]
