"""One method per file; each returns effects with influence functions, or placebos."""

from evaluator.estimators.donor_pool import DonorPool
from evaluator.estimators.entropy_balancing import EntropyBalancing
from evaluator.estimators.group_time import GroupTime
from evaluator.estimators.imputation import Imputation
from evaluator.estimators.mean_log_change import MeanLogChange
from evaluator.estimators.municipality_cross_section import MunicipalityCrossSection
from evaluator.estimators.municipality_panel import MunicipalityPanel
from evaluator.estimators.randomised_trial import RandomisedTrial
from evaluator.estimators.saturated import Saturated
from evaluator.estimators.synthetic_control import SyntheticControl
from evaluator.estimators.synthetic_did import SyntheticDid
from evaluator.estimators.triple_difference import TripleDifference
from evaluator.estimators.two_way import TwoWay

__all__ = [
    "DonorPool",
    "EntropyBalancing",
    "GroupTime",
    "Imputation",
    "MeanLogChange",
    "MunicipalityCrossSection",
    "MunicipalityPanel",
    "RandomisedTrial",
    "Saturated",
    "SyntheticControl",
    "SyntheticDid",
    "TripleDifference",
    "TwoWay",
]
