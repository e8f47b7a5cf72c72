"""The only place where standard errors, bands, placebo ranks and p-values are made."""

from evaluator.inference.aggregation import Aggregate, aggregate

__all__ = ["Aggregate", "aggregate"]
