"""A spec is read strictly: every mistake is refused with its file and line."""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from evaluator.errors import SpecError
from evaluator.estimators import plugins
from evaluator.spec_reading import parse_spec, read_spec

SPECS = Path(__file__).resolve().parents[2] / "data/synthetic/specs"

TEXT = """\
[evaluation]
name     = "trappe"
title    = "Færre sager"
question = "Kommer flere i job?"

[intervention]
kind = "caseload"
name = "faerre-sager"

[population]
benefits = ["kontanthjaelp"]
age      = [18, 64]

[panel]
from = 2014-01-01
to   = 2019-12-31

[[outcome]]
name    = "job"
primary = true

[[outcome]]
name          = "education"
horizon_weeks = 26

[comparison]
anticipation = 3

[estimation]
estimators = ["group_time"]
"""


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ('kind = "caseload"', 'kindd = "caseload"', "t.toml:7:", "unknown key 'kindd'"),
        ('kind = "caseload"', 'kind = "magic"', "t.toml:7:", "expected one of caseload"),
        ("[panel]", "[panels]", "t.toml:14:", "unknown section [panels]"),
        ("age      = [18, 64]", "age      = [64, 18]", "t.toml:12:", "lower age first"),
        ("from = 2014-01-01", 'from = "2014-01-01"', "t.toml:15:", "without quotes"),
        ("to   = 2019-12-31", "to   = 2013-12-31", "t.toml:16:", "ends before it begins"),
        ("horizon_weeks = 26", "horizon = 26", "t.toml:24:", "unknown key 'horizon'"),
        ("horizon_weeks = 26", "primary = true", "t.toml:", "several outcomes are primary"),
        ('name          = "education"', 'name          = "happiness"', "t.toml:23:", "expected one of job"),
        ('["group_time"]', '["magic"]', "t.toml:30:", "expected one of donor_pool"),
        ('["group_time"]', '["mean_log_change"]', "t.toml:30:", "no estimator takes outcome 'job'"),
        ("anticipation = 3", "anticipation = -1", "t.toml:27:", "a whole number from 0 to 36"),
        ('name = "faerre-sager"', "", "t.toml:6:", "lacks 'name'"),
        ("[evaluation]", "[evaluation", "t.toml:", "not valid TOML"),
        ('name    = "job"', 'name    = "exit_job"', "t.toml:", "exit outcomes belong to kind = 'sanction'"),
    ],
)
def test_a_mistake_is_refused_with_its_line(old: str, new: str, where: str, what: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(SpecError) as refused:
        parse_spec(TEXT.replace(old, new), "t.toml")
    assert str(refused.value).startswith(where)
    assert what in str(refused.value)


ADJUSTED = 'estimators = ["group_time"]\nadjustment = "regression"\ncovariates = ["age_group", "sex"]\n'


@pytest.mark.parametrize(
    ("added", "where", "what"),
    [
        ('adjustment = "regression"\n', "t.toml:31:", "expected 'covariates' in [estimation]"),
        ('covariates = ["sex"]\n', "t.toml:31:", "covariates are not used"),
        ('adjustment = "magic"\n', "t.toml:31:", "expected one of none, regression"),
        ('covariates = ["shoe_size"]\n', "t.toml:31:", "expected one of age_group"),
        ('[curve]\nestimators = ["mean_log_change"]\n', "t.toml:32:", "does not answer for persons"),
        ('[curve]\nestimators = ["magic"]\n', "t.toml:32:", "expected one of donor_pool"),
        ("[curve]\nbase_periods = [0]\n", "t.toml:32:", "a whole number from 1 to 60"),
        ('[curve]\nleave_out = ["smallest"]\n', "t.toml:32:", "expected one of nobody, largest"),
        ('[curve]\nadjustment = ["regression"]\n', "t.toml:32:", "nothing to adjust for"),
        ("[curve]\ncolour = 1\n", "t.toml:32:", "unknown key 'colour' in [curve]"),
        ('[[placebo_outcome]]\nname = "rain"\n', "t.toml:32:", "expected one of employees"),
        ('[placebo_outcome]\nname = "employees"\n', "t.toml:31:", "double brackets"),
        ('[[placebo_outcome]]\nname = "employees"\n' * 2, "t.toml:32:", "named twice"),
    ],
)
def test_choices_of_sensitivity_are_refused_with_their_line(added: str, where: str, what: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(TEXT + added, "t.toml")
    assert str(refused.value).startswith(where)
    assert what in str(refused.value)


def test_the_first_estimator_that_takes_an_outcome_answers_and_the_others_run_beside(stranger: str) -> None:
    spec = parse_spec(TEXT.replace('["group_time"]', f'["mean_log_change", "{stranger}", "group_time"]'), "t.toml")
    assert spec.primary_estimator == stranger
    assert spec.beside == ("group_time",)


def test_a_registered_estimator_that_is_a_warning_exhibit_may_not_answer(exhibit: str) -> None:
    beside = parse_spec(TEXT.replace('["group_time"]', f'["group_time", "{exhibit}"]'), "t.toml")
    assert beside.beside == (exhibit,)
    with pytest.raises(SpecError, match=r"t.toml:30: '.*' is a warning exhibit and never answers"):
        parse_spec(TEXT.replace('["group_time"]', f'["{exhibit}", "group_time"]'), "t.toml")


class Stranger:
    """An estimator that another package registers; it has no fields and does not adjust."""

    def fit(self, panel: object) -> None: ...


class Exhibit(Stranger):
    is_exhibit = True


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> str:
    return _registered(monkeypatch, "Stranger")


@pytest.fixture
def exhibit(monkeypatch: pytest.MonkeyPatch) -> str:
    return _registered(monkeypatch, "Exhibit")


def _registered(monkeypatch: pytest.MonkeyPatch, name: str) -> str:
    """Register a class of this file as another package's metadata would."""
    point = EntryPoint(name.lower(), f"{__name__}:{name}", plugins.GROUP)
    known = (*entry_points(group=plugins.GROUP), point)
    monkeypatch.setattr(plugins, "entry_points", lambda group: known)
    return point.name


def test_an_estimator_that_does_not_adjust_is_refused_where_adjustment_is_asked_for(stranger: str) -> None:
    asked = ADJUSTED.replace("group_time", stranger)
    with pytest.raises(SpecError, match=f"t.toml:31: '{stranger}' does not adjust"):
        parse_spec(TEXT.replace('estimators = ["group_time"]\n', asked), "t.toml")


def test_a_key_that_came_later_counts_in_the_hash_only_when_it_is_used() -> None:
    plain = parse_spec(TEXT, "t.toml").content_hash
    assert parse_spec(TEXT + 'adjustment = "none"\n[curve]\n', "t.toml").content_hash == plain
    assert parse_spec(TEXT + "[curve]\nbase_periods = [6]\n", "t.toml").content_hash != plain
    assert parse_spec(TEXT + '[[placebo_outcome]]\nname = "employees"\n', "t.toml").content_hash != plain


def test_a_stock_followed_backwards_is_refused() -> None:
    with pytest.raises(SpecError, match="fixed by the sampling"):
        parse_spec(TEXT.replace("age      = [18, 64]", 'age = [18, 64]\nentry = "stock"'), "t.toml")


def test_the_hash_ignores_words_spacing_and_order_but_no_choice() -> None:
    same = parse_spec(TEXT, "t.toml").content_hash
    reworded = TEXT.replace("Færre sager", "Halvt så mange sager").replace("kind = ", "kind    =   ")
    reordered = TEXT.replace('kind = "caseload"\nname = "faerre-sager"', 'name = "faerre-sager"\nkind = "caseload"')
    changed = TEXT.replace("age      = [18, 64]", "age      = [18, 63]")
    assert parse_spec(reworded, "other.toml").content_hash == same
    assert parse_spec(reordered, "t.toml").content_hash == same
    assert parse_spec(changed, "t.toml").content_hash != same


@pytest.mark.parametrize(
    ("period", "horizon", "periods"), [("month", 52, 15), ("month", 26, 9), ("quarter", 52, 5), ("quarter", 26, 3)]
)
def test_the_window_before_the_start_is_declared_months_plus_the_horizon(
    period: str, horizon: int, periods: int
) -> None:
    spec = parse_spec(TEXT.replace("to   =", f'period = "{period}"\nto   ='), "t.toml")
    assert spec.exposure_periods(horizon) == periods


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_example_specs_are_valid(path: Path) -> None:
    assert read_spec(path).evaluation.name == path.stem
