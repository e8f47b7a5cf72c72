"""Writes a register as the twelve extract files and the truth, the same bytes for the same seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluator.registers import caseloads, events, municipal, spells
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
) -> None:
    """Simulate a register and write its extracts and truth.json into `folder`."""
    write(simulate(persons, seed, world, codes=municipalities), Path(folder))


def write(register: Register, folder: Path) -> None:
    """Write the extracts one by one; each draws from its own stream, so their order does not matter."""
    folder.mkdir(parents=True, exist_ok=True)
    staffing, dates, pay = register.fresh_streams()
    _csv(folder, "personer", spells.persons(register, dates))
    _csv(folder, "ydelser", spells.benefits(register))
    _csv(folder, "visitation", spells.visitation(register))
    _csv(folder, "tilbud", spells.programmes(register))
    _csv(folder, "uddannelse", spells.education(register, dates))
    staff = caseloads.staff(register, staffing)
    cut, number = caseloads.assignments(register, staff, staffing)
    _csv(folder, "sagsbehandler", caseloads.assignment_columns(register, cut, number))
    _csv(folder, "sagstal", caseloads.caseload(register, staff, staffing))
    _csv(folder, "samtaler", events.meetings(register, cut, number, dates))
    _csv(folder, "sanktioner", events.sanctions(register, dates))
    _csv(folder, "beskaeftigelse", events.paid_hours(register, pay))
    _csv(folder, "indsats", municipal.interventions(register))
    _csv(folder, "kommunepanel", municipal.panel(register))
    text = json.dumps(build(register), ensure_ascii=False, separators=(",", ":"))
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _csv(folder: Path, name: str, columns: dict[str, Any]) -> None:
    import polars as pl

    frame = pl.DataFrame({key: pl.Series(key, values, nan_to_null=True) for key, values in columns.items()})
    frame.write_csv(folder / f"{name}.csv", separator=";", decimal_comma=True, line_terminator="\n")
