"""Writes a register as the extract files and the truth, the same bytes for the same seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaluator.registers import caseloads, events, municipal, spells
from evaluator.registers.columns import write_extract
from evaluator.registers.register import simulate
from evaluator.registers.truth import build

if TYPE_CHECKING:
    from evaluator.registers.register import Register


def write_register(
    folder: Path | str,
    persons: int,
    seed: int,
    world: str = "default",
    *,
    municipalities: Sequence[str] | None = None,
    strictness_spread: float = 0.0,
) -> None:
    """Simulate a register and write its extracts and truth.json into `folder`; arguments as of `simulate`."""
    register = simulate(persons, seed, world, codes=municipalities, strictness_spread=strictness_spread)
    write(register, Path(folder))


def write(register: Register, folder: Path) -> None:
    """Write the extracts one by one; each draws from its own stream, so their order does not matter."""
    folder.mkdir(parents=True, exist_ok=True)
    staffing, dates, pay = register.fresh_streams()
    write_extract(folder, "personer", spells.persons(register, dates))
    write_extract(folder, "ydelser", spells.benefits(register))
    write_extract(folder, "visitation", spells.visitation(register))
    write_extract(folder, "tilbud", spells.programmes(register))
    write_extract(folder, "uddannelse", spells.education(register, dates))
    staff = caseloads.staff(register, staffing)
    cut, number = caseloads.assignments(register, staff, staffing)
    write_extract(folder, "sagsbehandler", caseloads.assignment_columns(register, cut, number))
    write_extract(folder, "sagstal", caseloads.caseload(register, staff, staffing))
    write_extract(folder, "samtaler", events.meetings(register, cut, number, dates))
    write_extract(folder, "sanktioner", events.sanctions(register, dates))
    write_extract(folder, "beskaeftigelse", events.paid_hours(register, pay))
    write_extract(folder, "indsats", municipal.interventions(register))
    write_extract(folder, "kommunepanel", municipal.panel(register, staffing))
    write_extract(folder, "fuldtidsansatte", municipal.employees(register, staffing))
    text = json.dumps(build(register), ensure_ascii=False, separators=(",", ":"))
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8", newline="\n")
