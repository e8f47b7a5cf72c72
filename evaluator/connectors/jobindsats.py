"""Jobindsats, the statistics of the Danish Agency for Labour Market and Recruitment (STAR): version 3, and 2 to read.

Version 3 wants `Authorization: Bearer TOKEN`, version 2 the key alone. The token comes from the environment only.
Cells: `-` none, `..` suppressed, null missing; decimal comma.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from evaluator.connectors.service import Answer, Service, plain
from evaluator.errors import FetchError

BASES = {"v3": "https://api.jobindsats.dk/v3", "v2": "https://api.jobindsats.dk/v2"}
TOKEN = "JOBINDSATS_TOKEN"

Rows = tuple[list[str], list[list[str]]]
"""Names of columns, and rows of text: `-`, `..` and decimal comma as delivered, blank where missing."""


def service(version: str, base: str | None = None) -> Service:
    """Return the service, with the token from the environment; raise FetchError when there is none."""
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise FetchError(
            f"jobindsats: no token; expected one in the environment variable {TOKEN}. "
            "Ask for one at jobindsats@star.dk, one for each organisation."
        )
    if not token.isascii() or not token.isprintable():
        raise FetchError(f"jobindsats: the token in {TOKEN} holds other signs than ASCII; expected the key as mailed.")
    authorization = f"Bearer {token}" if version == "v3" else token
    return Service("jobindsats", base or BASES[version], {"Authorization": authorization})


def tables(at: Service) -> dict[str, str]:
    """Return the names of all tables by id (version 3)."""
    data = _json(at.ask("/tables", params={"format": "json"}), "tables")
    subjects = data["subjects"] if isinstance(data, dict) else data
    groups = [group for subject in subjects for group in subject["table_groups"]]
    return {table["table_id"]: table["table_name"] for group in groups for table in group["tables"]}


def table(at: Service, code: str) -> dict[str, Any]:
    """Return periods, dimensions and measures of a table (version 3)."""
    described: dict[str, Any] = _json(at.ask(f"/table/{code}", params={"format": "json"}), code)
    return described


def ask_v3(at: Service, code: str, params: Mapping[str, str]) -> bytes:
    """Return the raw JSON of a table, with `params` as {"period.M": "latest:14", "hierarchy._nykom": "*"}."""
    return _good(at.ask(f"/data/{code}", params={**params, "format": "json"}), code)


def ask_v2(at: Service, code: str, body: Mapping[str, Any]) -> bytes:
    """Return the raw JSON of version 2, for example {"area": "*", "period": ["2017M01"]}."""
    return _good(at.ask(f"/data/{code}/json", body=dict(body)), code)


def read(code: str, version: str, answer: bytes) -> Rows:
    """Return names and rows of an answer; raise FetchError when it is of another form than documented."""
    try:
        data = json.loads(answer)
        if version == "v3":
            names, found = data["columns"], data["rows"]
        else:
            names, found = [variable["Label"] for variable in data[0]["Variables"]], data[0]["Data"]
        names = [name["name"] if isinstance(name, dict) else str(name) for name in names]
    except (ValueError, KeyError, TypeError, IndexError):
        raise FetchError(
            f"jobindsats {code}: the answer has no columns and rows; expected those of {version}. "
            "Look at the table and its parameters."
        ) from None
    if any(len(row) != len(names) for row in found):
        raise FetchError(
            f"jobindsats {code}: rows are not of {len(names)} fields; expected one for each column. Try again later."
        )
    return names, [[cell(value) for value in row] for row in found]


def cell(value: object) -> str:
    """Return a cell as an extract writes it: blank for missing, no dots between thousands, decimal comma."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value).replace(".", ",")
    text = str(value).strip()
    digits = text.replace(".", "").replace(",", "").removeprefix("-")
    return text.replace(".", "") if "," in text and digits.isdecimal() else text


def column(code: str, names: Sequence[str], wanted: str) -> int:
    """Return the place of a column; raise FetchError naming those that there are."""
    for place, name in enumerate(names):
        if name.casefold() == wanted.casefold():
            return place
    known = ", ".join(plain(name) for name in names)
    raise FetchError(f"jobindsats {code}: no column '{wanted}'; expected one of {known}. Correct jobindsats.toml.")


def _json(answer: Answer, code: str) -> Any:
    try:
        return json.loads(_good(answer, code))
    except ValueError:
        raise FetchError(f"jobindsats {code}: the answer is no JSON; expected JSON. Try again later.") from None


def _good(answer: Answer, code: str) -> bytes:
    if answer.status == 200:
        return answer.body
    if answer.status in (401, 403):
        step = f"Look at the key in {TOKEN} and at --api: v3 wants a token of its own"
        raise FetchError(f"jobindsats {code}: the token is refused ({answer.status}); expected a valid one. {step}.")
    if answer.status == 422:
        raise FetchError(
            f"jobindsats {code}: a parameter is refused (422); expected those of the table. Correct jobindsats.toml."
        )
    raise FetchError(f"jobindsats {code}: status {answer.status}; expected data. Look at the table's id.")
