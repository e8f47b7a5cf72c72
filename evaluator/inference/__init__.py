"""The only place where standard errors, bands, placebo ranks and p-values are made."""

from evaluator.inference.aggregation import Aggregate, aggregate
from evaluator.inference.bands import Band, PreTrend, event_band, family_band, pre_trend_test
from evaluator.inference.dose import dose_band, dose_estimates
from evaluator.inference.each_treated import EachTreated, placebos
from evaluator.inference.leave_one_out import Replicates, leave_one_cluster_out
from evaluator.inference.multiplicity import AdjustedP, family_p_values, holm, romano_wolf
from evaluator.inference.multiplier import UniformBand, uniform_band
from evaluator.inference.offered import Offered, estimates, overall
from evaluator.inference.placebo import Randomisation, randomisation
from evaluator.inference.wald import Wald, pre_test
from evaluator.inference.wild_cluster import WildCluster, wild_cluster, wild_cluster_estimate

__all__ = [
    "AdjustedP",
    "Aggregate",
    "Band",
    "EachTreated",
    "Offered",
    "PreTrend",
    "Randomisation",
    "Replicates",
    "UniformBand",
    "Wald",
    "WildCluster",
    "aggregate",
    "dose_band",
    "dose_estimates",
    "estimates",
    "event_band",
    "family_band",
    "family_p_values",
    "holm",
    "leave_one_cluster_out",
    "overall",
    "placebos",
    "pre_test",
    "pre_trend_test",
    "randomisation",
    "romano_wolf",
    "uniform_band",
    "wild_cluster",
    "wild_cluster_estimate",
]
