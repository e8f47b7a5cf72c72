"""Fenced examples of the documentation, and the form of commands that a test must not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
WRITTEN = (*DOCUMENTS, "GLOSSARY.md", "data/public/README.md", "data/synthetic/README.md")
KINDS = ("sh", "powershell", "python", "toml", "text")


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block: its kind, the line it begins on and what it holds."""

    kind: str
    line: int
    text: str
    file: str = ""  # named after the kind: the block is what this file holds

    @property
    def commands(self) -> list[str]:
        """Return its lines without comments and blanks."""
        lines = (re.sub(r"(^|\s+)#.*$", "", line).strip() for line in self.text.splitlines())
        return [line for line in lines if line]


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def fences(document: str) -> Iterator[Fence]:
    """Yield the fenced blocks of a document in order."""
    kind, start, held = None, 0, []
    for number, line in enumerate(read(document).splitlines(), 1):
        if not line.startswith("```"):
            held.append(line)
        elif kind is None:
            kind, start, held = line.removeprefix("```"), number, []
        else:
            name, _, file = kind.partition(" ")
            yield Fence(name, start, "\n".join(held) + "\n", file)
            kind = None
    assert kind is None, f"{document}:{start}: the fence is never closed"


def has_known_form(command: str) -> bool:
    """Say whether a command that is not run (installs, make, Prefect, PowerShell) names things that exist."""
    words = command.replace("\\", "/").split()
    if words[0] == "make":
        return re.search(rf"^{words[1]}:", read("Makefile"), re.MULTILINE) is not None
    if words[0] in ("py", "python3"):
        return words[-3:] == ["-m", "venv", ".venv"]
    if words[0] in (".venv/bin/python", ".venv/Scripts/python"):
        files = [after for option, after in pairwise(words) if option in ("-r", "-e")]
        return words[1:4] == ["-m", "pip", "install"] and bool(files) and all((ROOT / file).exists() for file in files)
    if words[0] == "prefect":
        return _is_prefect(words)
    return bool(re.match(r"\$[\w:]+ = |Register-ScheduledTask ", command))


def _is_prefect(words: list[str]) -> bool:
    """Say whether a deployment or a work pool that is named stands in prefect.yaml."""
    plan = read("prefect.yaml")
    if words[1] == "deploy":
        return f"- name: {words[words.index('--name') + 1]}\n" in plan
    if words[1:4] == ["deployment", "run", words[-1]]:
        flow, deployment = words[-1].split("/")
        return f"- name: {deployment}\n" in plan and f"flows/{flow}.py:{flow}" in plan
    if words[1] in ("work-pool", "worker"):
        pool = words[words.index("--pool") + 1] if "--pool" in words else words[3]
        return f"name: {pool}\n" in plan.split("work_pool:", 1)[1] + "\n"
    return words[1:3] == ["server", "start"]
