"""Words of the report on meetings: what they are about, and what the numbers can bear."""

from __future__ import annotations

NONE = "none"
KINDS = {"counselling": "vejledning", "control": "kontrol", "other": "andre samtaler"}
LABELS = {**{kind: label.capitalize() for kind, label in KINDS.items()}, NONE: "Ingen samtale endnu"}
HAZARD, TIMING = "hazard", "timing_of_events"
CAPTION = (
    "Over 1: afgangen er højere i ugerne efter samtalen end i uger uden en samtale endnu i forløbet, når ydelse, "
    "målgruppe, alder og forløbets længde er ens. Streg: 95 pct. interval. Samtalen tæller, hvad enten borgeren mødte "
    "op eller udeblev, og den seneste samtale afgør slagsen."
)
SELECTION = (
    "Samtaler er ikke fordelt ved lodtrækning: sagsbehandleren kan indkalde dem, der er tættest på job, eller dem, der "
    "udebliver. Tallene viser en sammenhæng. De to slags samtaler sammenlignet med hinanden er mindre udsat for det "
    "end samtale mod ingen samtale, men ikke fri for det."
)
TIMING_CAPTION = (
    "Beregningen med uobserverede forskelle ser på den første samtale af hver slags og skelner mellem typer af "
    "borgere, som data ikke ellers viser; fra uge 5 er senere samtaler med i tallet. Den viser en virkning, hvis ingen "
    "handler på samtalens dag, før den kommer."
)
CONTRAST_CAPTION = (
    "Afgang efter vejledning i forhold til lige så længe efter kontrol. p er korrigeret for, at {} forhold er "
    "undersøgt, og under 0,05 er et fund også blandt dem."
)
