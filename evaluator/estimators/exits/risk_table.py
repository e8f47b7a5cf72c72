"""Numbers at risk and exits at each time, which all descriptions of spells are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import Floats


@dataclass(frozen=True, slots=True)
class RiskTable:
    """T distinct times at which a spell ends, by exit or censoring, and E kinds of exit."""

    time: Floats  # (T,) ascending
    at_risk: Floats  # (T,) spells entered before and not ended before
    exits: Floats  # (T, E)
    spells: int


def risk_table(duration: Any, exit_code: Any, *, exits: int, entry: Any = None) -> RiskTable:
    """Return the risk table of spells that last `duration` and end in exit 1..`exits`, or 0 where censored.

    With `entry` a spell is under observation after that time only (left truncation): it is at risk at t when
    entry < t <= duration. Raises PanelError for codes out of range, and for spells that end at or before their entry
    or before 0.
    """
    ends, code = np.asarray(duration, dtype=np.float64), np.asarray(exit_code, dtype=np.int64)
    _refuse(int((~np.isfinite(ends) | (ends < 0)).sum()), ends.size, "have no duration at or over 0")
    _refuse(int(((code < 0) | (code > exits)).sum()), ends.size, f"have an exit that is not 0 to {exits}")
    time, place = np.unique(ends, return_inverse=True)
    count = np.bincount(place * (exits + 1) + code, minlength=time.size * (exits + 1)).reshape(time.size, exits + 1)
    ended = count.sum(axis=1)
    at_risk = ended[::-1].cumsum()[::-1]
    if entry is not None:
        begins = np.asarray(entry, dtype=np.float64)
        _refuse(int((~(begins < ends)).sum()), ends.size, "end at or before their entry")
        at_risk = at_risk - (ends.size - np.searchsorted(np.sort(begins), time, side="left"))
    return RiskTable(time, at_risk.astype(np.float64), count[:, 1:].astype(np.float64), ends.size)


def _refuse(wrong: int, of: int, what: str) -> None:
    if wrong:
        raise PanelError(f"spells: {wrong:,} of {of:,} {what}; expected none. Mend the input and run again.")
