"""The only place where standard errors, bands, placebo ranks and p-values are made."""

from evaluator.inference.aggregation import Aggregate, aggregate
from evaluator.inference.bands import Band, PreTrend, event_band, family_band, pre_trend_test
from evaluator.inference.dose import dose_estimates
from evaluator.inference.leave_one_out import Replicates, leave_one_cluster_out
from evaluator.inference.offered import Offered, estimates
from evaluator.inference.placebo import Randomisation, placebos, randomisation, spread
from evaluator.inference.wald import Wald, pre_test

__all__ = [
    "Aggregate",
    "Band",
    "Offered",
    "PreTrend",
    "Randomisation",
    "Replicates",
    "Wald",
    "aggregate",
    "dose_estimates",
    "estimates",
    "event_band",
    "family_band",
    "leave_one_cluster_out",
    "placebos",
    "pre_test",
    "pre_trend_test",
    "randomisation",
    "spread",
]
