"""Words of the report on sanctions: exits, types, methods, and what a ratio of hazards says."""

from __future__ import annotations

from reports import numbers
from reports.released import Row

STAYING = "stadig på ydelsen"
WHERE = {
    "job": "job",
    "education": "uddannelse",
    "other_benefit": "en anden ydelse",
    "self_support": "selvforsørgelse uden job",
}
LABELS = {
    "job": "Job",
    "education": "Uddannelse",
    "other_benefit": "Anden ydelse",
    "self_support": "Selvforsørgelse uden job",
}
TYPES = {
    "punktsanktion": "punktsanktion",
    "periodesanktion": "periodesanktion",
    "ophoer": "ophør",
    "skaerpet_raadighed": "skærpet rådighedssanktion",
    "andre": "andre",
}
METHODS = {
    "timing_of_events": "med uobserverede forskelle",
    "without_heterogeneity": "uden uobserverede forskelle",
    "naive": "naiv sammenligning",
}
GROUPS = {"sanction_type": "hver type", "target_group": "hver målgruppe"}
SUBSETS = {"without_reversed": "uden omgjorte", "from_notice": "talt fra varsel eller partshøring"}
DESIGNS = {
    "landmark": "samme historie, sanktion nu mod senere eller aldrig",
    "landmark_censored": "samme historie, sanktion nu mod ingen i perioden",
    "landmark_upheld": "samme historie, kun afgørelser der stod ved magt",
    "strictness": "sagsbehandlerens strenghed ved indgangen",
    "worst_case": "grænser uden antagelser",
    "weaker": "grænser, hvis de sanktionerede står svagere end de andre",
    "stronger": "grænser, hvis de sanktionerede står stærkere end de andre",
}
HISTORIES = {
    "whole": "kommune, kvartal, ydelse, målgruppe, alder, udeblivelser, tidligere sanktioner og tidligere arbejde",
    "short": "kommune, målgruppe og udeblivelser",
}
DESIGNS_CAPTION = (
    "Forskel i andelen, der er i hver tilstand. Samme historie: sanktionerede mod dem, der i samme uge af forløbet har "
    "samme {}; den viser en virkning, hvis intet uset både flytter sanktionen og udfaldet. Strenghed: hvad en sanktion "
    "gør ved dem, som kun en streng sagsbehandler ville sanktionere. Grænser: alle de virkninger på job, som tallene "
    "for et år efter indgangen er forenelige med; den nedre grænse for svagere er den rå forskel."
)
ARMS = {"sanctioned": "efter en sanktion", "comparable": "sammenlignelige, endnu ikke sanktioneret"}
MAIN, PLAIN, NAIVE = METHODS
EFFECTS_CAPTION = (
    "Over 1: afgangen er højere efter sanktionen; under 1: lavere. Streg: 95 pct. interval. Grøn baggrund: hvad "
    "tidligere undersøgelser har fundet, gul: yderkanten (kun kendt for job og selvforsørgelse). I uge 0–4 kan et job, "
    "der er fundet forinden, være grunden til sanktionen; derfor læses svaret fra uge 5."
)
INCIDENCE_CAPTION = (
    "Andele af alle, der fik en sanktion, talt fra sanktionen; resten er stadig på ydelsen. Sammenlignelige er lige så "
    "længe inde i forløbet og har samme ydelse, målgruppe, alder, år og udeblivelse, men ingen sanktion; de følges, "
    "til de selv får en. Skygge: 95 pct. interval. Forskellen er ikke i sig selv en virkning: sagsbehandleren har "
    "valgt."
)
NAIVE_WHY = (
    "Den naive sammenligning tager hele forløbet med for dem, der på et tidspunkt fik en sanktion. Den, der bliver "
    "længe, når at få en, så de sanktionerede ser ud til at forlade ydelsen langsomt; og sagsbehandleren vælger, hvem "
    "der får en."
)
THREAT = "Hvad truslen om en sanktion gør ved dem, der aldrig får en, er ikke målt."


def weeks(row: Row) -> str:
    """Return `uge 5–12`, or `uge 27 og senere`."""
    if row["to_weeks"] is None:
        return f"uge {row['from_weeks']} og senere"
    return f"uge {row['from_weeks']}–{row['to_weeks']}"


def ratio(value: float) -> str:
    """Return a ratio of hazards as `1,30 gange`."""
    return f"{numbers.number(value, 2)} gange"


def span(low: float, high: float) -> str:
    return f"{numbers.number(low, 2)} til {numbers.number(high, 2)}"
