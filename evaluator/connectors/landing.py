"""Land what was fetched: raw answers in a cache by query hash, and a delivery with its source in extracts/."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from evaluator.extracts.table_text import inert
from evaluator.project import Project
from evaluator.whole_files import write_whole

CACHE = "fetched"
SOURCE = ".source.json"
SHOWN_DIGITS = 8  # of a query hash in a file name: too few to look like a CPR number


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a delivery comes from. `retrieved_on` is the day of the oldest answer in it."""

    publisher: str
    table: str
    query_sha256: str
    retrieved_on: str
    licence: str

    def line(self) -> str:
        """Return the source as a report cites it."""
        day = dt.date.fromisoformat(self.retrieved_on)
        query = self.query_sha256[:SHOWN_DIGITS]
        day_text = f"{day.day}.{day.month}.{day.year}"
        return f"{self.publisher}, {self.table}, forespørgsel {query}, hentet {day_text}, {self.licence}"


def query_sha256(query: object) -> str:
    """Return the fingerprint of a query: the same question has the same, whatever the order of its keys."""
    return sha256(json.dumps(query, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def cached(project: Project, query: object, ask: Callable[[], bytes], refresh: bool) -> tuple[bytes, str]:
    """Return a raw answer and the day it was retrieved: the kept one, or a new one that is then kept."""
    folder = project.store / CACHE
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept, note = (folder / f"{query_sha256(query)}{ending}" for ending in (".answer", ".json"))
    if not refresh and kept.is_file() and note.is_file():
        known = json.loads(note.read_text("utf-8"))
        answer = kept.read_bytes()
        if sha256(answer).hexdigest() == known["sha256"]:
            return answer, known["retrieved_on"]
    answer, day = ask(), f"{dt.date.today():%Y-%m-%d}"
    noted = {"query": query, "retrieved_on": day, "sha256": sha256(answer).hexdigest()}
    write_whole({kept: answer, note: json.dumps(noted, ensure_ascii=False, indent=1).encode()})
    return answer, day


def land(project: Project, header: Sequence[str], rows: Sequence[Sequence[str]], source: Provenance) -> Path:
    """Write a delivery and its source beside it in extracts/; return the delivery's path."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerows([inert(cell) for cell in row] for row in (header, *rows))
    name = f"{source.table.split()[-1].lower()}_{source.query_sha256[:SHOWN_DIGITS]}"
    path = project.inside(project.extracts / f"{name}.csv")
    data = text.getvalue().encode()
    told = asdict(source) | {"line": source.line(), "sha256": sha256(data).hexdigest()}
    cited = (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()
    write_whole({project.extracts / f"{name}{SOURCE}": cited, path: data})
    return path


def sources(project: Project) -> dict[str, str]:
    """Return the source line of each fetched file by its fingerprint: a file that was changed since has none."""
    told = [json.loads(path.read_text("utf-8")) for path in sorted(project.extracts.glob(f"*{SOURCE}"))]
    return {source["sha256"]: source["line"] for source in told}
