"""The names that others build on: all there, and none loaded before it is used."""

import subprocess
import sys

import pytest

import evaluator

HEAVY = ("numpy", "scipy", "polars", "pandas", "pyarrow", "duckdb", "sklearn", "econml", "statsmodels", "linearmodels")
HEAVIER = ("altair", "prefect", "great_expectations", "sqlalchemy")
LOADED = f"import sys; print(sorted(set({(*HEAVY, *HEAVIER)!r}) & set(sys.modules)))"
HELP = "import contextlib, io; from evaluator.cli import main\nwith contextlib.suppress(SystemExit), \
contextlib.redirect_stdout(io.StringIO()): main(['--help'])\n"


@pytest.mark.parametrize("start", ["import evaluator\n", HELP], ids=["import evaluator", "evaluator --help"])
def test_nothing_heavy_is_loaded_by(start: str) -> None:
    done = subprocess.run([sys.executable, "-c", start + LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", (*evaluator.__all__, "estimators", "inference"))
def test_a_public_name_can_be_used(name: str) -> None:
    assert getattr(evaluator, name) is not None
    assert name in dir(evaluator)


def test_the_public_names_are_about_ten_and_sorted() -> None:
    assert len(evaluator.__all__) <= 12
    assert list(evaluator.__all__) == sorted(evaluator.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'estimate_everything'"):
        _ = evaluator.estimate_everything
