"""A local server that plays StatBank and jobindsats as documented: answers, error bodies, limits and moods.

It stands on 127.0.0.1 and serves the cells it is given; `moods` are statuses it answers once each before it obeys.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from urllib.parse import parse_qs, urlsplit

BENEFIT, OTHER = "NLKTH", "TOTUDH"
SEXES, AGES = ("TOT", "M", "K"), ("TOT", "1624")
TOKEN = "hemmelig-noegle"
V3 = {
    "columns": ["Område", "Periode", "Antal fuldtidspersoner"],
    "rows": [
        ["Hele landet", "2017M01", "19.164,5"],
        ["Horsens", "2017M01", "164,0"],
        ["Ærø", "2017M01", "-"],
        ["Læsø", "2017M01", ".."],
        ["Samsø", "2017M01", None],
        ["Region Midtjylland", "2017M01", "900,0"],
    ],
}


class Statistics:
    """What is served: AUK01 cells by (area, quarter), a limit of cells, moods, and the requests that were made."""

    def __init__(self, cells: Mapping[tuple[str, str], str]) -> None:
        self.cells = cells
        self.areas = tuple(dict.fromkeys(area for area, _ in cells))
        self.periods = tuple(dict.fromkeys(period for _, period in cells))
        self.limit = 1_000_000
        self.moods: list[tuple[int, dict[str, str]]] = []
        self.bodies: list[dict] = []
        self.seen: list[tuple[str, str | None]] = []
        self.url = ""

    def values(self) -> dict[str, tuple[str, ...]]:
        return {
            "OMRÅDE": self.areas,
            "YDELSESTYPE": (BENEFIT, OTHER),
            "KØN": SEXES,
            "ALDER": AGES,
            "Tid": self.periods,
        }

    def info(self) -> dict:
        variables = [
            {
                "id": code,
                "text": "tid" if code == "Tid" else code.lower(),
                "elimination": code in ("KØN", "ALDER"),
                "time": code == "Tid",
                "values": [{"id": value, "text": value} for value in values],
            }
            for code, values in self.values().items()
        ]
        return {
            "id": "AUK01",
            "text": "Offentligt forsørgede",
            "description": "Offentligt forsørgede efter område",
            "unit": "Fuldtidspersoner",
            "suppressedDataValue": "..",
            "updated": "2026-03-12T08:00:00",
            "active": True,
            "variables": variables,
        }

    def statbank(self, path: str, body: dict) -> tuple[int, bytes]:
        if not body.get("table"):
            return _error("REQUEST-MISSING", "Tabel ikke angivet")
        if body["table"].upper() != "AUK01":
            return _error("EXTRACT-NOTFOUND", "Tabellen blev ikke fundet")
        if path == "/tableinfo":
            return 200, json.dumps(self.info(), ensure_ascii=False).encode()
        self.bodies.append(body)
        form = body.get("format")
        if not form:
            return _error("REQUEST-MISSING", "Format ikke angivet")
        chosen = {v["code"]: v["values"] for v in body["variables"]}
        for code, known in self.values().items():
            if code not in chosen and (form == "BULK" or code not in ("KØN", "ALDER")):
                return _error("EXTRACT-NOTALLOWED", f"Der skal vælges værdier for variabel: {code}")
            if set(chosen.get(code, [])) - set(known):
                return _error("EXTRACT-NOTFOUND", "Værdien blev ikke fundet")
        cells = math.prod(len(v) for v in chosen.values())
        if form != "BULK" and cells > self.limit:
            return _error("REQUEST-LIMIT", f"Der er valgt {cells} celler; brug BULK")
        return 200, _as_jsonstat(self, chosen) if form == "JSONSTAT" else _as_text(self, chosen)

    def value(self, key: Mapping[str, str]) -> str:
        return self.cells[key["OMRÅDE"], key["Tid"]]

    def jobindsats(self, path: str, query: dict[str, list[str]], authorization: str | None) -> tuple[int, bytes]:
        version, _, rest = path.removeprefix("/").partition("/")
        if authorization != (f"Bearer {TOKEN}" if version == "v3" else TOKEN):
            return 401, b'{"message": "Unauthorized"}'
        if version == "v2":
            names = [{"Name": f"c{at}", "Label": label} for at, label in enumerate(V3["columns"])]
            return 200, json.dumps([{"Variables": names, "Data": V3["rows"]}]).encode()
        if rest == "tables":
            tables = [{"table_id": "y36a02", "table_name": "Kontanthjælp"}]
            return 200, json.dumps({"subjects": [{"table_groups": [{"tables": tables}]}]}).encode()
        if rest == "table/y36a02":
            return 200, json.dumps({"periods": [{"periodtype_id": "M"}], "dimensions": [], "measures": []}).encode()
        if rest != "data/y36a02":
            return 404, b""
        return (200, json.dumps(V3).encode()) if "period.M" in query else (422, b'{"detail": "period"}')


def _error(kind: str, message: str) -> tuple[int, bytes]:
    return 400, json.dumps({"errorTypeCode": kind, "message": message}, ensure_ascii=False).encode()


def _keys(chosen: Mapping[str, list[str]]) -> Iterator[dict[str, str]]:
    for codes in product(*chosen.values()):
        yield dict(zip(chosen, codes, strict=True))


def _as_text(served: Statistics, chosen: Mapping[str, list[str]]) -> bytes:
    lines = [";".join([*(code.upper() for code in chosen), "INDHOLD"])]
    lines += [";".join([*key.values(), served.value(key)]) for key in _keys(chosen)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _as_jsonstat(served: Statistics, chosen: Mapping[str, list[str]]) -> bytes:
    ids = [*list(chosen)[:-1], "ContentsCode", list(chosen)[-1]]
    held = {**chosen, "ContentsCode": ["AUK01"]}
    dimension: dict = {"id": ids, "size": [len(held[name]) for name in ids]}
    for name in ids:
        index = {code: at for at, code in enumerate(held[name])}
        dimension[name] = {"label": name.lower(), "category": {"index": index, "label": {c: c for c in held[name]}}}
    text = [served.value(key).replace(",", ".") for key in _keys(chosen)]
    value = [None if cell == ".." else json.loads(cell) for cell in text]
    return json.dumps({"dataset": {"dimension": dimension, "label": "AUK01", "value": value}}).encode()


@contextmanager
def serving(served: Statistics) -> Iterator[Statistics]:
    """Serve until the block ends; `served.url` is the address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, body: dict | None) -> None:
            address = urlsplit(self.path)
            authorization = self.headers.get("Authorization")
            served.seen.append((address.path, authorization))
            headers: dict[str, str] = {}
            if served.moods:
                status, headers = served.moods.pop(0)
                text = b""
            elif address.path.startswith("/v"):
                status, text = served.jobindsats(address.path, parse_qs(address.query), authorization)
            elif address.path in ("/tableinfo", "/data"):
                status, text = _error("REQUEST-EMPTY", "") if body is None else served.statbank(address.path, body)
            else:
                status, text = 404, json.dumps({"errorTypeCode": "REQUEST-NOTFOUND", "message": "Ukendt"}).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                self._answer(json.loads(data))
            except ValueError:
                self._answer(None)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
