"""What a model's header says is true: on a register written by hand, and on the committed one."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from evaluator.extracts.load import load
from evaluator.models import LAYERS, build, order, read_models
from evaluator.project import Project
from evaluator.store import connect

SQL = Path(__file__).parents[2] / "sql"
REGISTER = Path(__file__).parents[2] / "data" / "synthetic" / "register"
MODELS = read_models()
BUILT = tuple(model for model in MODELS if model.schema != "release")
SPEC = {
    "benefits": ["kontanthjaelp", "uddannelseshjaelp"],
    "target_groups": [],
    "age_from": 18,
    "age_to": 66,
    "panel_from": dt.date(2014, 1, 1),
    "panel_to": dt.date(2019, 12, 31),
    "period_months": 1,
    "entry": "inflow",
    "horizons": [4, 26],
    "outcomes_to": None,
    "sanction_persons": 400,
    "sanction_seed": 7,
    "risk_horizons": [4, 26],
    "counselling_types": ["opfoelgning"],
    "control_types": ["jobsamtale", "cv"],
}
BY_HAND = {
    "personer": (
        "pnr_pseudo;foedselsaar;koen;oprindelse;udd_niveau;boern;enlig;kommunekode;udgaaet_dato;udgaaet_kode",
        "P0000001;1985;K;dansk;grundskole;1;1;0615;;",
        "P0000002;1995;M;indvandrer;gymnasial;0;1;740;2017-05-01;997",
    ),
    "ydelser": (
        "pnr_pseudo;fra;til;ydelseskode;myndighedskode",
        "P0000001;2016-01-04;2016-05-01;730;0615",
        "P0000001;2016-09-05;;735;0615",
        "P0000002;04-04-2016;2017-02-05;720;740",
        "P0000002;2017-02-06;2017-06-30;730;740",
    ),
    "dream": ("lobenr,nykom2016,y_1651,y_1652,branche_2016_12", "P0000003,615,720,,561010"),
    "dream_lang": ("pnr_pseudo;aar;uge;kode;kommunekode", "P0000004;2016;51;720;615"),
    "visitation": ("pnr_pseudo;fra;til;maalgruppe;visitation", "P0000001;2016-01-04;;2.3;aktivitetsparat"),
    "sagsbehandler": (
        "pnr_pseudo;fra;til;sagsbehandler_id;team;rolle",
        "P0000001;2016-01-04;;S1;Unge;primaer",
    ),
    "sagstal": ("sagsbehandler_id;team;kommunekode;maaned;antal_sager;aarsvaerk", "S1;Unge;615;2016-02;40;0,8"),
    "samtaler": (
        "pnr_pseudo;dato;samtaletype;kontaktform;sagsbehandler_id;udeblevet;registreret",
        "P0000001;2016-02-01;jobsamtale;personlig;S1;0;2016-02-03",
    ),
    "tilbud": ("pnr_pseudo;fra;til;type;timer_pr_uge", "P0000001;2016-02-01;2016-03-01;mentor;2,5"),
    "sanktioner": (
        "pnr_pseudo;dato;paragraf;type;aarsag;antal_dage;beloeb;status;vejledt_dato;varsel_dato;partshoert_dato",
        "P0000001;2016-03-01;37;punktsanktion;udeblivelse;3;1734,00;truffet;2016-01-04;2016-02-15;2016-02-20",
        "P0000001;2016-10-05;39;periodesanktion;afslag_tilbud;;;ophaevet;;;",
    ),
    "beskaeftigelse": (
        "pnr_pseudo;maaned;timer;loen;branche",
        "P0000001;2016-06;20,5;3000,00;561010",
        "P0000001;2017-12;37;6000;561010",
    ),
    "uddannelse": ("pnr_pseudo;fra;til;uddannelsesart;niveau", "P0000001;2016-05-02;2016-06-30;hf;gymnasial"),
    "indsats": (
        "kommunekode;team;fra;til;indsats_navn;sagstal_foer;sagstal_efter;budget_kr;maalgruppe",
        "615;;2017-01-01;;trappe;70;35;1800000;aktivitetsparat",
    ),
    "kommunepanel": (
        "kommunekode;periode;ydelse;visitation;fuldtid;antal;sanktioner;ledighed;befolkning",
        "0615;2017K1;kth;aktivitetsparat;120,5;..;-;4,1;88000",
    ),
}


NOT_COMMITTED = {"staging.stg_dream_spells", "staging.stg_branch_months"}  # the committed register has no DREAM


def name_of(model):
    return model.table


@pytest.fixture(scope="module", params=["by hand", "committed"])
def store(request, tmp_path_factory):
    project = Project.create(tmp_path_factory.mktemp("headers") / "project")
    if request.param == "by hand":
        for name, lines in BY_HAND.items():
            (project.extracts / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        for file in sorted(REGISTER.glob("*.csv")):
            (project.extracts / file.name).write_bytes(file.read_bytes())
    load(project, None)
    with connect(project) as connection:
        build(connection, ("staging", "marts", "design"), {"wage_final_after_months": 2, **SPEC})
        yield connection


def test_every_sql_file_is_a_model_named_as_its_table():
    files = {f"{path.parent.name}.{path.stem}" for path in SQL.rglob("*.sql") if path.parent.name != "macros"}
    assert {model.table for model in MODELS} == files
    assert {path.parent.name for path in SQL.rglob("*.sql")} == {*LAYERS, "macros"}


def test_no_model_reads_from_a_later_step():
    order(MODELS)
    for model in MODELS:
        for name in model.inputs:
            schema = name.split(".")[0]
            assert schema not in LAYERS or LAYERS.index(schema) <= LAYERS.index(model.schema), (model.table, name)


def query_of(model):
    """Return the SQL below the header, without remarks and quoted words."""
    return re.sub(r"--.*|'[^']*'", "", model.sql)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_inputs_are_the_tables_that_the_query_reads(model):
    schemas = (*LAYERS, "raw", "results", "meta")
    found = set(re.findall(rf"\b(?:from|join)\s+((?:{'|'.join(schemas)})\.\w+)", query_of(model)))
    assert found == set(model.inputs)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_the_query_is_written_by_the_conventions(model):
    query = query_of(model)
    assert query == query.lower(), "lower case"
    assert not re.search(r"select\s+(distinct\s+)?\*|\.\*", query), "explicit columns"
    assert ";" not in query, "one query"
    assert not re.search(r"(?<![\w.])(?:[2-9]|\d\d+|\d+\.\d+)(?![\w.])", query), "numbers have names in sql/macros"
    assert not re.search(r"'\d{4}-\d\d", model.sql.split("\n\n", 1)[-1]), "dates have names in sql/macros"
    assert len(model.sql.splitlines()) <= 200


@pytest.mark.parametrize("model", BUILT, ids=name_of)
def test_outputs_are_the_columns_in_order(store, model):
    columns = store.execute(
        "select column_name from duckdb_columns() where schema_name = ? and table_name = ? order by column_index",
        [model.schema, model.name],
    ).fetchall()
    assert tuple(name for (name,) in columns) == model.outputs


@pytest.mark.parametrize("model", BUILT, ids=name_of)
def test_the_grain_names_a_row(store, model, request):
    rows = store.execute(f"select count(*) from {model.table}").fetchone()[0]
    assert rows > 0 or (model.table in NOT_COMMITTED and "committed" in request.node.name)
    keys = ", ".join(model.grain)
    distinct = (
        store.execute(f"select count(*) from (select distinct {keys} from {model.table})").fetchone()[0] if keys else 1
    )
    assert rows == distinct
