"""A project folder: evaluator.toml, extracts/, specs/, store/, reports/ and mapping.toml. Paths stay inside it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from evaluator.errors import ProjectError
from evaluator.partitions import DATABASE, LAYOUTS

SETTINGS_FILE = "evaluator.toml"
MAPPING_FILE = "mapping.toml"
FOLDERS = ("extracts", "specs", "store", "reports")
OWNER_ONLY = 0o700  # where the system has modes; a folder that exists keeps its own

LEAST_MEGABYTES = 100  # DuckDB cannot load a register with less

SETTINGS_TEXT = """\
# Indstillinger for dette projekt. Linjer, der begynder med #, er forklaringer.

[store]
memory_limit = "1GB"          # så meget hukommelse må databasen bruge, før den lægger mellemresultater på disken
threads = 2                   # antal tråde; resultaterne er de samme uanset antallet
layout = "database"           # "parquet": personers rækker i Parquet-filer, en mappe pr. kommune, i store/partitions

[data]
wage_final_after_months = 2   # lønoplysninger regnes for endelige, når så mange måneder er gået
max_rejected_share = 0.05     # en levering afvises, hvis en større andel af rækkerne ikke kan læses
caseworkers_are_full_time = false   # true: hver sagsbehandler er ét årsværk i kommuner uden udtrækket sagstal
"""

MAPPING_TEXT = """\
# Egne kolonnenavne og faste værdier, når en levering ikke bruger kontraktens navne.
#
# [personer.aliases]                 kontraktens kolonne = navne, som den også må have i filen
# pnr_pseudo = ["borger_id"]
#
# [kommunepanel.set]                 en fast værdi til en kolonne, som filen ikke har
# ydelse = "nettoledige_kontanthjaelp"
#
# [samtaler]                         kolonner med tal, der ligner CPR-numre uden at være det; det noteres i leverancen
# no_cpr = ["sagsbehandler_id"]
# ignored = ["moedelokale"]          filens egne kolonner, som der ikke er brug for
"""

GITIGNORE_TEXT = """\
# Udtræk, database og rapporter kan indeholde oplysninger om personer og skal ikke i versionsstyring.
extracts/
store/
reports/
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What evaluator.toml may say; the names of the fields are the keys."""

    memory_limit: str = "1GB"
    threads: int = 2
    wage_final_after_months: int = 2
    max_rejected_share: float = 0.05
    caseworkers_are_full_time: bool = False
    layout: str = DATABASE


TABLES = {
    "store": ("memory_limit", "threads", "layout"),
    "data": ("wage_final_after_months", "max_rejected_share", "caseworkers_are_full_time"),
}


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder that exists; every path is derived from `root`."""

    root: Path
    settings: Settings = Settings()

    @property
    def extracts(self) -> Path:
        return self.root / "extracts"

    @property
    def specs(self) -> Path:
        return self.root / "specs"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def database(self) -> Path:
        return self.store / "evaluator.duckdb"

    @property
    def spill(self) -> Path:
        return self.store / "spill"

    @property
    def partitions(self) -> Path:
        """Where tables of persons lie in a folder per municipality, with layout = "parquet"; need not exist."""
        return self.store / "partitions"

    @property
    def mapping(self) -> Path:
        return self.root / MAPPING_FILE

    @property
    def codes(self) -> Path:
        """The project's own DREAM codes, beside those of the package; need not exist."""
        return self.root / "dream_codes.toml"

    def inside(self, path: Path | str) -> Path:
        """Return `path` resolved against the project; raise ProjectError when it leads outside."""
        resolved = (self.root / path).resolve()
        if not resolved.is_relative_to(self.root):
            raise ProjectError(
                f"{Path(path).name}: the path leads out of the project; expected one inside {self.root}. "
                "Copy the file into the project."
            )
        return resolved

    @classmethod
    def open(cls, folder: Path | str) -> Project:
        """Open the project in `folder`; raise ProjectError when there is none or its settings are wrong."""
        root = Path(folder).resolve()
        if not (root / SETTINGS_FILE).is_file():
            raise ProjectError(
                f"{root}: not a project; expected a folder with {SETTINGS_FILE}. "
                "Run 'evaluator init DIR', or name the project with --project."
            )
        project = cls(root, read_settings(root / SETTINGS_FILE))
        for name in FOLDERS:
            (root / name).mkdir(mode=OWNER_ONLY, exist_ok=True)
        return project

    @classmethod
    def create(cls, folder: Path | str, example: bool = False) -> Project:
        """Make a project in `folder`, with the small synthetic register and the specs it can answer when `example`."""
        root = Path(folder).resolve()
        if (root / SETTINGS_FILE).exists():
            raise ProjectError(f"{root}: is a project already; expected a new or empty folder. Choose another name.")
        if root.exists() and not root.is_dir():
            raise ProjectError(f"{root}: is a file; expected a folder. Choose another name.")
        for name in FOLDERS:
            (root / name).mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        _write_new(root / MAPPING_FILE, MAPPING_TEXT)
        _write_new(root / ".gitignore", GITIGNORE_TEXT)
        if example:
            for file in _examples("register", ".csv"):
                (root / "extracts" / file.name).write_bytes(file.read_bytes())
            cls(root).add_example_specs()
        _write_new(root / SETTINGS_FILE, SETTINGS_TEXT)
        return cls.open(root)

    def add_example_specs(self) -> None:
        """Copy the example specs whose intervention stands in the extract `indsats`, and those that need no start.

        The small register holds six municipalities; Silkeborg is only in the larger one that the demo synthesises.
        """
        started = (self.extracts / "indsats.csv").read_text(encoding="utf-8")
        for file in _examples("specs", ".toml"):
            intervention = tomllib.loads(file.read_text(encoding="utf-8"))["intervention"]
            if intervention["kind"] == "sanction" or f";{intervention['name']};" in started:
                (self.specs / file.name).write_bytes(file.read_bytes())


def _write_new(path: Path, text: str) -> None:
    if not path.exists():
        path.write_text(text, encoding="utf-8", newline="\n")


def _examples(folder: str, suffix: str) -> list[Traversable]:
    source = resources.files("evaluator_examples") / folder
    return sorted((file for file in source.iterdir() if file.name.endswith(suffix)), key=lambda file: file.name)


def read_toml(path: Path, error: type[Exception] = ProjectError) -> tuple[dict[str, Any], str]:
    """Return the parsed file and its text; raise `error` naming file and line when it is not TOML."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text), text
    except UnicodeDecodeError as problem:
        line = path.read_bytes()[: problem.start].count(b"\n") + 1
        raise error(f"{path.name}:{line}: not UTF-8; expected a text file in UTF-8. Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r"line (\d+)", str(problem))
        where = f"{path.name}:{found.group(1)}" if found else path.name
        what = re.sub(r"\s*\(at .*\)$", "", str(problem))
        step = "Put the lines under the heading that is there" if "twice" in what else "Correct the line"
        raise error(f"{where}: {what}; expected TOML, as key = value. {step}.") from None


def line_of(text: str, table: str, key: str = "") -> int:
    """Return the line where `key` of `table` stands in a TOML text, or that of the table itself (1 when unknown)."""
    current, start = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header:
            current = header.group(1).replace('"', "").replace(" ", "")
            if current == table or current.startswith(f"{table}."):
                start = number if start == 1 else start
                if not key or current == f"{table}.{key}":
                    return number
        elif key and current == table and re.match(rf"\s*\"?{re.escape(key)}\"?\s*[=.]", line):
            return number
    return start


def read_settings(path: Path) -> Settings:
    """Return the settings of evaluator.toml; raise ProjectError naming file and line of what is wrong."""
    data, text = read_toml(path)
    values: dict[str, Any] = {}
    for table, content in data.items():
        if table not in TABLES or not isinstance(content, dict):
            line = line_of(text, table) if isinstance(content, dict) else line_of(text, "", table)
            raise ProjectError(f"{path.name}:{line}: unknown key '{table}'; expected [store] or [data]. Remove it.")
        for key, value in content.items():
            where = f"{path.name}:{line_of(text, table, key)}"
            if key not in TABLES[table]:
                known = ", ".join(TABLES[table])
                raise ProjectError(f"{where}: unknown key '{key}' in [{table}]; expected {known}. Correct the name.")
            values[key] = _checked(key, value, where)
    return Settings(**values)


def _megabytes(amount: str) -> float:
    """Return an amount such as "1GB" or "500MB" in megabytes, 0 when it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s?([MGT])B", amount)
    return float(found[1]) * 1000 ** "MGT".index(found[2]) if found else 0


def _checked(key: str, value: Any, where: str) -> Any:
    """Return `value` when it suits the setting `key`, else raise ProjectError with `where`."""
    good: object
    default = next(field.default for field in fields(Settings) if field.name == key)
    if key == "layout":
        good, wanted = value in LAYOUTS, " or ".join(f'"{layout}"' for layout in LAYOUTS)
    elif isinstance(default, str):
        good = isinstance(value, str) and _megabytes(value) >= LEAST_MEGABYTES
        wanted = f'an amount of memory such as "1GB", at least {LEAST_MEGABYTES}MB'
    elif isinstance(default, bool):
        good, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        lowest = 1 if key == "threads" else 0
        good = isinstance(value, int) and not isinstance(value, bool) and value >= lowest
        wanted = f"a whole number of at least {lowest}"
    else:
        good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
        wanted = "a share from 0 to 1"
    if not good:
        raise ProjectError(f"{where}: {key} has a value that cannot be used; expected {wanted}. Correct the line.")
    return value
