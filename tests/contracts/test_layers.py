"""Who may import what, made true: the walls between the engine, its flows, its checks and its reports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWNERS = {"prefect": "flows", "altair": "reports", "vl_convert": "reports", "great_expectations": "expectations"}
PACKAGES = ("evaluator", "flows", "expectations", "reports")
COMPOSITION_ROOT = Path("evaluator/cli.py")
HEAVY = {
    "econml",
    "statsmodels",
    "linearmodels",
    "pandas",
    "polars",
    "scipy",
    "sklearn",
    "joblib",
    "great_expectations",
    "httpx",
}


def _modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _imports(path: Path, *, top_only: bool = False) -> set[str]:
    """Return the dotted names that a file imports, everywhere or at its top only (type-checking blocks aside)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


@pytest.mark.parametrize(("library", "owner"), OWNERS.items())
def test_a_library_is_imported_in_its_folder_only(library: str, owner: str) -> None:
    strangers = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        if package != owner
        for path in _modules(package)
        if any(name.split(".")[0] == library for name in _imports(path))
    ]
    assert strangers == []


def test_great_expectations_is_met_in_one_file() -> None:
    meeting = [
        path.name
        for path in _modules("expectations")
        if any(name.split(".")[0] == "great_expectations" for name in _imports(path))
    ]
    assert meeting == ["run.py"]


def test_the_engine_knows_neither_flows_nor_reports_nor_checks() -> None:
    outward = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in _modules("evaluator")
        if path.relative_to(ROOT) != COMPOSITION_ROOT
        for name in _imports(path)
        if name.split(".")[0] in ("flows", "reports", "expectations")
    ]
    assert outward == []


def test_the_composition_root_imports_checks_and_reports_inside_commands_only() -> None:
    names = _imports(ROOT / COMPOSITION_ROOT, top_only=True)
    assert not {name.split(".")[0] for name in names} & {"expectations", "reports", *HEAVY}


def test_the_network_is_met_in_one_module() -> None:
    network = {"httpx", "requests", "urllib3", "socket", "http", "aiohttp"}
    meeting = [
        path.relative_to(ROOT).as_posix()
        for path in _modules("evaluator")
        if {name.split(".")[0] for name in _imports(path)} & network
    ]
    assert meeting == ["evaluator/connectors/service.py"]


def test_the_nouns_need_numpy_and_the_standard_library_only() -> None:
    names = {name.split(".")[0] for name in _imports(ROOT / "evaluator/vocabulary.py", top_only=True)}
    assert names <= {"__future__", "collections", "dataclasses", "enum", "typing", "numpy"}


@pytest.mark.parametrize("package", PACKAGES)
def test_heavy_libraries_are_imported_lazily(package: str) -> None:
    eager = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in _modules(package)
        for name in _imports(path, top_only=True)
        if name.split(".")[0] in HEAVY
    ]
    assert eager == []


def test_reports_read_released_tables_only() -> None:
    for path in _modules("reports"):
        text = path.read_text(encoding="utf-8")
        for schema in ("raw.", "staging.", "marts.", "design.", "results."):
            assert f"from {schema}" not in text.lower(), f"{path.name} reads {schema}"


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_stay_short(package: str) -> None:
    long = {path.name: n for path in _modules(package) if (n := len(path.read_text("utf-8").splitlines())) > 350}
    assert long == {}


def test_no_machine_path_or_index_address_is_committed() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "index-url" not in lock


def test_every_package_is_installed() -> None:
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in (*PACKAGES, "sql")
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert found <= set(listed)
