"""Writes a register as the extract files and the truth, the same bytes for the same seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluator.registers import caseloads, events, municipal, spells, truth
from evaluator.registers.columns import Columns, write_extract
from evaluator.registers.municipalities import municipalities as all_municipalities
from evaluator.registers.register import simulate
from evaluator.vocabulary import Ints

if TYPE_CHECKING:
    from evaluator.registers.register import Register

PART = 60_000
"""So many persons are simulated and written at a time: memory does not grow with the register."""


def write_register(
    folder: Path | str,
    persons: int,
    seed: int,
    world: str = "default",
    *,
    municipalities: Sequence[str] | None = None,
    strictness_spread: float = 0.0,
) -> None:
    """Simulate a register, in parts of people if it is large, and write its extracts and truth.json into `folder`.

    Arguments as of `simulate`. Raises ValueError for a `strictness_spread` in a register of several parts: a
    caseworker's cases would be spread over them.
    """
    parts = -(-persons // PART)
    if strictness_spread and parts > 1:
        raise ValueError(f"register: strictness_spread with {persons:,} persons; expected {PART:,} or fewer.")
    files = Files(Path(folder), parts)
    for part in range(parts):
        size = persons // parts + (part < persons % parts)
        files.add(simulate(size, seed, world, codes=municipalities, strictness_spread=strictness_spread, part=part))
    files.close()


class Files:
    """The extracts of a register while its parts are written; each draws from its own stream, so order does not matter.

    What is about municipalities is drawn with the first part and written at the end, from the sums over all parts.
    """

    def __init__(self, folder: Path, parts: int) -> None:
        self.folder, self.parts = folder, parts
        self.persons = 0
        self.world = ""
        self.counted: Ints = np.zeros((), np.int64)
        self.truth: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, register: Register) -> None:
        """Write the persons of the next part, and what happened to them."""
        register = replace(register, first=self.persons)
        staffing, dates, pay = register.fresh_streams()
        self._write("personer", spells.persons(register, dates))
        self._write("ydelser", spells.benefits(register))
        self._write("visitation", spells.visitation(register))
        self._write("tilbud", spells.programmes(register))
        self._write("uddannelse", spells.education(register, dates))
        if not self.persons:
            self.world = register.world
            people = np.bincount(register.people.municipality, minlength=len(all_municipalities())) * self.parts
            self.staffing, self.people, self.staff = staffing, people, caseloads.staff(people, register.world, staffing)
        cut, number = caseloads.assignments(register, self.staff, staffing)
        self._write("sagsbehandler", caseloads.assignment_columns(register, cut, number))
        self._write("samtaler", events.meetings(register, cut, number, dates))
        self._write("sanktioner", events.sanctions(register, dates))
        self._write("beskaeftigelse", events.paid_hours(register, pay))
        counted, found = municipal.counts(register), truth.build(register)
        self.counted = self.counted + counted
        self.truth = truth.merged(self.truth, found) if self.truth else found
        self.persons += len(register.people.entry)

    def close(self) -> None:
        """Write the extracts about municipalities, and the truth."""
        write_extract(self.folder, "sagstal", caseloads.caseload(self.people, self.staff, self.staffing))
        write_extract(self.folder, "indsats", municipal.interventions(self.people, self.world))
        write_extract(self.folder, "kommunepanel", municipal.panel(self.people, self.counted, self.staffing))
        write_extract(self.folder, "fuldtidsansatte", municipal.employees(self.people, self.staffing))
        text = json.dumps(self.truth, ensure_ascii=False, separators=(",", ":"))
        (self.folder / "truth.json").write_text(text + "\n", encoding="utf-8", newline="\n")

    def _write(self, name: str, columns: Columns) -> None:
        write_extract(self.folder, name, columns, is_more=self.persons > 0)
