"""The words of the quality report: what each extract is for, and what each thing to do or know means in Danish."""

from __future__ import annotations

from typing import Any

from reports import numbers

Row = dict[str, Any]

EXTRACTS = {
    "modtagere": "Personer på ydelse",
    "personer": "Personer",
    "ydelser": "Ydelser",
    "beskaeftigelse": "Løn og timer",
    "uddannelse": "Uddannelse",
    "visitation": "Visitation",
    "sagsbehandler": "Sagsbehandlere",
    "sagstal": "Sagstal",
    "samtaler": "Samtaler",
    "sanktioner": "Sanktioner",
    "tilbud": "Tilbud",
    "indsats": "Indsatser",
    "kommunepanel": "Kommunetal",
    "dream": "DREAM, bred",
    "dream_lang": "DREAM, lang",
}
WITHOUT = {
    "personer": "Uden dem kendes hverken alder eller kommune, og intet kan beregnes.",
    "ydelser": "Uden dem er der ingen forløb at følge, og intet kan beregnes.",
    "beskaeftigelse": "Uden dem kan job ikke skelnes fra selvforsørgelse uden job.",
    "uddannelse": "Uden den ses kun uddannelse med SU.",
    "visitation": "Uden den kan målgrupper ikke holdes adskilt.",
    "sagsbehandler": "Uden dem kan sagstal og skift af sagsbehandler ikke tælles op.",
    "sagstal": "Uden det er det ukendt, om indsatsen blev gennemført.",
    "samtaler": "Uden dem er kontakt og udeblivelser ukendt.",
    "sanktioner": "Uden dem kan sanktioner ikke belyses.",
    "tilbud": "Uden dem er aktivering og praktik ukendt.",
}
TABLES = {
    "deliveries": "Leverancer",
    "stg_persons": EXTRACTS["personer"],
    "stg_benefit_spells": EXTRACTS["ydelser"],
    "stg_paid_hours": EXTRACTS["beskaeftigelse"],
    "stg_education": EXTRACTS["uddannelse"],
    "stg_visitation": EXTRACTS["visitation"],
    "stg_caseworkers": EXTRACTS["sagsbehandler"],
    "stg_caseload": EXTRACTS["sagstal"],
    "stg_meetings": EXTRACTS["samtaler"],
    "stg_sanctions": EXTRACTS["sanktioner"],
    "stg_programmes": EXTRACTS["tilbud"],
    "stg_interventions": EXTRACTS["indsats"],
    "stg_municipality_panel": EXTRACTS["kommunepanel"],
    "stg_dream_codes": "DREAM-koder",
    "stg_dream_spells": "Ydelser fra DREAM",
    "stg_branch_months": "Måneder med job i DREAM",
    "benefit_spells": "Forløb på ydelse",
    "week_status": "Uger",
    "person_month": "Personer pr. måned",
    "exits": "Afgang fra ydelse",
    "benefit_episodes": "Forløb på ydelse efter uger uden",
    "exits_by_rule": "Afgang fra ydelse efter uger uden",
    "sanction_events": "Sanktionsafgørelser",
    "caseworker_month": "Sagsbehandlere pr. måned",
    "caseworker_assignments": "Hvem der havde hvem",
    "caseload_day": "Sagstal pr. dag",
    "caseload_month": "Sagstal pr. måned",
    "team_moves": "Flyt mellem teams",
    "caseworker_continuity": "Kontinuitet",
    "municipality_period": "Kommuner pr. måned",
    "municipality_statistics": "Kommunetal efter ydelse",
    "observation": "Dataperiode",
}
REASONS = {
    "missing": "mangler",
    "unknown_code": "ukendt kode",
    "date": "kan ikke læses som dato",
    "month": "kan ikke læses som måned",
    "period": "kan ikke læses som periode",
    "integer": "kan ikke læses som helt tal",
    "decimal": "kan ikke læses som tal",
    "statistic": "kan ikke læses som tal",
    "flag": "er hverken ja eller nej",
    "municipality": "er ingen af de 98 kommuners koder",
    "area": "er ingen områdekode",
    "iso_year": "er intet årstal",
    "iso_week": "er ingen uge",
    "unreadable": "kan ikke læses",
}
MERGED = {
    "correction": "rettelse: negative timer eller løn, lagt til måneden",
    "several_jobs": "flere job i samme måned, lagt sammen",
    "christiansoe": "Christiansø, som ikke er en kommune",
    "redelivered": "leveret igen: en senere levering træder i stedet for hele filen",
    "overlapping": "overlap: en senere levering træder i stedet for en del af filen",
}
JUDGED = {
    "declared": "erklæret uden CPR-numre i mapping.toml",
    "contract": "erklæret uden CPR-numre i udtrækkets kontrakt",
    "ids": "andre numre: for få begynder med en dato, eller de begynder med et årstal",
}
DELAYS = {
    "before": "Før samtalen",
    "week": "Inden for 7 dage",
    "month": "8–30 dage",
    "quarter": "31–90 dage",
    "later": "Over 90 dage",
    "unknown": "Ingen registreringsdato",
}
KINDS = {"gap": "hul", "shift": "niveauskift"}
NOTHING, FEW = "ingen", "højst 5"

ANSWERS = {
    "red": ("Nej, ikke endnu", "refused"),
    "amber": ("Ja, med forbehold", "undecided"),
    "green": ("Ja", "effect"),
}
GLOSSARY = {
    "Afvist række": "En række, hvor mindst ét felt mangler eller ikke kan læses. Den indgår ikke i noget tal.",
    "Erstattet række": "En række, som en senere leverance for samme periode er trådt i stedet for.",
    "Lagt sammen": "Rettelser og flere job i samme måned bliver til én række. Christiansø udelades.",
    "Ukendt": "Feltet er tomt eller uoplyst. Ukendt er ikke nul.",
    "Niveauskift": "Antallet i tre måneder mod de tre foregående, fraregnet samme ændring et år før, er mindst "
    "halvanden gang større eller tilsvarende mindre, og mere end tilfældighed kan give.",
    "Afgang": "Fire uger i træk uden ydelsen, dateret til den første. Målet er tilstanden i den sidste af ugerne.",
    "Hul": "En måned med under en femtedel af niveauet i månederne omkring den.",
    "Diskretioneret": "Antal er afrundet til nærmeste 5. Fejl i 1 til 5 rækker skrives »højst 5«; små antal "
    "personer og hændelser vises som »..«.",
}


def extract(name: str) -> str:
    """Return the name of an extract or a series as a reader says it."""
    return EXTRACTS.get(name, name)


def table(name: str) -> str:
    """Return the name of a table of the store as a reader says it."""
    plain = name.split(".")[-1]
    return TABLES.get(plain, EXTRACTS.get(plain, plain))


def defects(count: int | None, status: str) -> str:
    """Return a count of defects: none, at most five, or rounded."""
    return {"none": NOTHING, "few": FEW}.get(status) or numbers.count(count, "suppressed")


def action(row: Row) -> tuple[str, str]:
    """Return what a row of `quality_actions` is about, and what it says."""
    about = table(row["subject"]) if row["code"] == "rule" else extract(row["subject"])
    text = _said(row)
    return about, text[:1].upper() + text[1:]


def _said(row: Row) -> str:
    month = numbers.period(row["month"]) if row["month"] else ""
    count = defects(row["rows"], row["status"]) if row["status"] else ""
    share = f" ({numbers.percent(row['share'])})" if row["share"] else ""
    beside = row["notes"]
    match row["code"]:
        case "rule":
            return row["notes"] if row["status"] == "none" else f"{row['notes']} Det gælder {count} rækker."
        case "unbalanced":
            return "rækkerne går ikke op: der er flere eller færre, end der blev leveret. Indlæs filerne igen."
        case "absent":
            return f"er ikke leveret. {WITHOUT[row['subject']]}"
        case "rejected":
            return f"{count} rækker{share} er afvist. Bed om dem igen; årsagerne står nedenfor."
        case "unknown":
            return f"kolonnen {row['item']} er ukendt i {count} rækker{share}. Bed om at få den udfyldt."
        case "ends_early":
            return f"slutter i {month}, før ydelserne gør. Bed om de sidste måneder."
        case "tail":
            return f"den sidste måned, {month}, er under halvdelen af årets gennemsnit og næppe fuld."
        case "gap" if beside:
            return f"næsten ingen rækker i {month}, samtidig med: {beside}."
        case "gap":
            return f"næsten ingen rækker i {month}. Bed om måneden igen."
        case "shift" if beside:
            return f"niveauet skifter i {month}, samtidig med: {beside}."
        case "shift":
            return f"niveauet skifter i {month} uden en kendt reform. Spørg, hvad der blev ændret i systemet."
        case "late":
            return f"{count} samtaler{share} er registreret over en måned for sent. Bed om et nyt udtræk senere."
    raise ValueError(f"unknown code of an action: {row['code']}")


def place(name: str) -> str:
    """Return a municipality's name; of decisions whose municipality nobody knows, that."""
    return "Ukendt kommune" if name == "unknown" else name
