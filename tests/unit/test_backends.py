"""Serial and parallel runs give the same results in the same order."""

import numpy as np
import pytest

from evaluator.backends import Joblib, Serial, backend


def drawn(seed):
    return float(np.random.default_rng(seed).normal())


def test_results_keep_the_order_of_the_tasks_whatever_the_workers():
    tasks = np.random.SeedSequence(7).spawn(6)
    assert Serial().map(drawn, tasks) == Joblib(2).map(drawn, tasks)


@pytest.mark.parametrize(("workers", "expected"), [(0, Serial()), (1, Serial()), (3, Joblib(3))])
def test_one_worker_is_serial(workers, expected):
    assert backend(workers) == expected
