"""Reforms and shocks of 2007-2025 that move almost any series of benefits, everywhere at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Reform:
    """A date that is drawn on every chart over time, and that a false start is held clear of."""

    on: date
    name: str  # as readers see it
    until: date | None = None  # the last day of a shock that lasts


REFORMS: tuple[Reform, ...] = (
    Reform(date(2007, 1, 1), "Kommunalreform: 98 kommuner"),
    Reform(date(2013, 1, 1), "Reform af førtidspension og fleksjob"),
    Reform(date(2014, 1, 1), "Kontanthjælpsreform: uddannelseshjælp til unge under 30 år"),
    Reform(date(2014, 7, 1), "Sygedagpengereform"),
    Reform(date(2015, 9, 1), "Integrationsydelse"),
    Reform(date(2016, 1, 1), "Refusionsreform"),
    Reform(date(2016, 4, 1), "Jobreform: loven træder i kraft"),
    Reform(date(2016, 10, 1), "Jobreform: kontanthjælpsloft og 225-timersregel"),
    Reform(date(2017, 4, 1), "Jobpræmie"),
    Reform(date(2019, 8, 1), "Forberedende grunduddannelse (FGU)"),
    Reform(date(2020, 1, 1), "Forenklet beskæftigelseslov og nye sanktionsregler"),
    Reform(date(2020, 3, 11), "Nedlukning under covid-19", date(2021, 5, 31)),
    Reform(date(2025, 1, 1), "Arbejdspligt"),
    Reform(date(2025, 7, 1), "Nyt kontanthjælpssystem"),
)
"""In order of date. One without `until` counts on its first day alone, although what it began went on."""
