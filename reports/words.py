"""Danish labels and definitions. Every word that a reader meets and the code chooses stands here or in `answer.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome in words: a label, and how a difference in it is said."""

    label: str
    more: str  # "{} flere var i job"
    less: str
    question: str  # "indsatsen betød, at flere eller færre var i job"


def _people(label: str, did: str) -> Outcome:
    return Outcome(label, f"{{}} flere {did}", f"{{}} færre {did}", f"flere eller færre {did}")


def _exit(label: str, where: str) -> Outcome:
    return Outcome(
        label,
        f"afgangen til {where} er {{}} højere",
        f"afgangen til {where} er {{}} lavere",
        f"en højere eller lavere afgang til {where}",
    )


OUTCOMES = {
    "job": _people("Job", "var i job"),
    "education": _people("Uddannelse", "var i uddannelse"),
    "benefit": _people("På ydelse", "var på en ydelse"),
    "entry_benefit": _people("Samme ydelse", "var stadig på den ydelse, de begyndte på"),
    "other_benefit": _people("Anden ydelse", "var på en anden ydelse"),
    "supported_work": _people("Støttet arbejde", "var i støttet arbejde"),
    "self_support": _people("Selvforsørgelse uden job", "forsørgede sig selv uden job"),
    "left_register": _people("Ude af registret", "var ude af registret"),
    "paid_hours_any": _people("Lønnede timer", "havde lønnede timer"),
    "paid_hours_20": _people("Mindst 20 lønnede timer", "havde mindst 20 lønnede timer om måneden"),
    "paid_hours_87": _people("Mindst 87 lønnede timer", "havde mindst 87 lønnede timer om måneden"),
    "benefit_share": Outcome(
        "Andel af uger på ydelse",
        "andelen af uger på ydelse var {} højere",
        "andelen af uger på ydelse var {} lavere",
        "andelen af uger på ydelse blev højere eller lavere",
    ),
    "sick_weeks": Outcome(
        "Uger på sygedagpenge",
        "hver borger havde i gennemsnit {} flere uger på sygedagpenge",
        "hver borger havde i gennemsnit {} færre uger på sygedagpenge",
        "der blev flere eller færre uger på sygedagpenge",
    ),
    "sanctions": Outcome(
        "Sanktioner",
        "hver borger fik i gennemsnit {} flere sanktioner",
        "hver borger fik i gennemsnit {} færre sanktioner",
        "der blev givet flere eller færre sanktioner",
    ),
    "recipients": Outcome(
        "Antal modtagere",
        "antallet af modtagere var {} højere",
        "antallet af modtagere var {} lavere",
        "der blev flere eller færre modtagere",
    ),
    "employees": Outcome(
        "Fuldtidsansatte i kommunen",
        "antallet af fuldtidsansatte var {} højere",
        "antallet af fuldtidsansatte var {} lavere",
        "der blev flere eller færre fuldtidsansatte",
    ),
    "exit_job": _exit("Afgang til job", "job"),
    "exit_education": _exit("Afgang til uddannelse", "uddannelse"),
    "exit_other_benefit": _exit("Afgang til anden ydelse", "en anden ydelse"),
    "exit_self_support": _exit("Afgang til selvforsørgelse uden job", "selvforsørgelse uden job"),
}

STATES = ("job", "education", "benefit", "self_support", "left_register")
PARTS = ("entry_benefit", "other_benefit", "supported_work")

DEFINITIONS = {
    "Job": "En uge uden ydelse i en måned med løn. Feriedagpenge lige efter et job regnes som job.",
    "Uddannelse": "En uge med SU eller indskrivning på en uddannelse.",
    "På ydelse": "Den ydelse, borgeren begyndte på, eller en anden offentlig ydelse. Støttet arbejde (løntilskud, "
    "fleksjob) hører med her og vises for sig.",
    "Selvforsørgelse uden job": "En uge uden ydelse, uden løn og uden uddannelse. Det er ikke det samme som job.",
    "Ude af registret": "Død, udvandret eller gået på pension. Tælles for sig.",
}

GLOSSARY = {
    "Effekt": "Forskellen mellem det, der skete, og det, der ville være sket uden indsatsen.",
    "Sammenhæng": "At to ting følges ad. Det siger ikke, at den ene er årsag til den anden.",
    "95 pct. interval": "De størrelser, som data er forenelige med. Gentog man undersøgelsen mange gange, ville 95 af "
    "100 sådanne intervaller rumme den sande størrelse.",
    "Samlet bånd": "Et bredere bånd, der gælder for alle punkter i figuren på én gang.",
    "Pct.point": "Forskel mellem to procenttal: fra 5 pct. til 7 pct. er 2 pct.point.",
    "Sammenligningskommuner": "Kommuner, som på det tidspunkt ikke havde indsatsen. De viser, hvordan det ellers ville "
    "være gået.",
    "Horisont": "Hvor mange uger efter borgerens start på ydelsen der måles.",
    "Sagstal": "Antal aktive borgere pr. sagsbehandler (årsværk), som månedsgennemsnit.",
    "Delvist omfattet": "Borgere, der begyndte på ydelsen før indsatsens start, men måles efter.",
    "Uden indsatsen": "Det forløb, som de vejede sammenligningskommuner forudsiger for kommunen.",
    "Forhold mellem afvigelser": "Afvigelsen efter start delt med afvigelsen før start; stort, når forløbet først "
    "skiller sig ud efter starten.",
    "Effektivt antal kommuner": "Hvor mange lige tunge kommuner sammenligningen svarer til.",
    "Placebotest": "Samme beregning for kommuner uden indsatsen. Viser, hvor store forskelle der opstår tilfældigt.",
    "Skæv udvikling": "At kommuner med og uden indsatsen ville have udviklet sig forskelligt også uden indsatsen.",
    "Falsk start": "En startdato, før nogen kunne være omfattet. En forskel dér kan ikke komme fra indsatsen.",
    "Sæt valg": "En måde, svaret kunne være beregnet på: metode, sammenligningskommuner og måneder før start.",
    "Kohorte for kohorte": "Hver gruppe af kommuner, der starter samtidig, sammenlignes for sig.",
    "Imputation": "Udviklingen uden indsatsen regnes ud fra alle kommuner og måneder, der ikke er omfattet.",
    "Mættet forløb": "En regression med sin egen forskel for hver startmåned og hver tid fra start.",
    "Diskretioneret": "Tal om færre end 5 personer vises ikke, og antal afrundes til nærmeste 5.",
}
ABOUT_WEIGHTS = {"Uden indsatsen", "Forhold mellem afvigelser", "Effektivt antal kommuner"}
ABOUT_ROBUSTNESS = {
    *("Skæv udvikling", "Falsk start", "Sæt valg"),
    *("Kohorte for kohorte", "Imputation", "Mættet forløb"),
}

LIGHTS = {
    "green": ("●", "grøn"),
    "amber": ("▲", "gul"),
    "red": ("■", "rød"),
    "not_run": ("○", "ikke kørt"),
    "none": ("○", "ikke vurderet"),
}
"""Shape and word: a light is never told by its colour alone."""

CREDIBILITY = {
    "green": "Høj troværdighed",
    "amber": "Troværdig med forbehold",
    "red": "Lav troværdighed",
}
PLAUSIBILITY = {
    "green": "Som i tidligere undersøgelser",
    "amber": "I yderkanten af tidligere undersøgelser",
    "red": "Uden for det, tidligere undersøgelser har fundet",
    "none": "Ikke vurderet",
}
DELIVERY = {
    "delivered": ("●", "gennemført"),
    "partly": ("▲", "delvist gennemført"),
    "not_delivered": ("■", "ikke gennemført"),
    "not_measured": ("○", "ikke målt"),
}
ANSWERS = {
    "effect": "Svaret",
    "no_relevant_effect": "Ingen effekt af betydning",
    "undecided": "Kan ikke afgøres",
    "association": "En sammenhæng, ikke en årsag",
    "refused": "Ingen beregning",
    "not_delivered": "Ikke gennemført",
    "hidden": "Diskretioneret",
}

GROUPINGS = {
    "age_group": "Alder",
    "target_group": "Målgruppe",
    "sex": "Køn",
    "education_level": "Uddannelse",
    "has_children": "Børn",
    "is_single": "Enlig",
    "origin": "Oprindelse",
    "benefit": "Ydelse",
}
VALUES = {
    "aktivitetsparat": "aktivitetsparate",
    "jobparat": "jobparate",
    "uddannelsesparat": "uddannelsesparate",
    "aabenlyst_uddannelsesparat": "åbenlyst uddannelsesparate",
    "kontanthjaelp": "kontanthjælp",
    "uddannelseshjaelp": "uddannelseshjælp",
    "K": "kvinder",
    "M": "mænd",
    "videregaaende": "videregående",
}

PERIODS = {"month": ("måneder", "måned"), "quarter": ("kvartaler", "kvartal"), "year": ("år", "år")}

ESTIMATORS = {
    "group_time": "kohorte for kohorte",
    "entropy_balancing": "kohorte mod vægtede kohorter",
    "imputation": "imputation",
    "saturated": "mættet forløb",
    "triple_difference": "tredobbelt forskel",
    "randomised_trial": "lodtrækning",
    "two_way": "faste forskelle for kommune og måned",
    "mean_log_change": "ændring mod andre kommuner",
    "synthetic_did": "syntetisk forskel i forskelle",
    "synthetic_control": "syntetisk kontrol",
    "donor_pool": "alle andre kommuner samlet",
}
POOLS_SHORT = {"never": "aldrig omfattede", "not_yet": "endnu ikke omfattede"}
ADJUSTMENTS = {
    "none": "ingen",
    "regression": "regression",
    "weighting": "vægtning",
    "doubly_robust": "dobbelt robust",
}
LEFT_OUT = {"nobody": "alle", "largest": "uden den største"}
COMPARISONS = {
    "treated_never": "Mod kommuner uden indsatsen",
    "earlier_later": "Mod kommuner, der starter senere",
    "later_earlier": "Mod kommuner, der allerede har indsatsen (vildledende)",
}

POOLS = {
    "never": "kommuner, der ikke fik indsatsen i perioden",
    "not_yet": "kommuner, der ikke (eller endnu ikke) havde fået indsatsen",
}

OTHER_METHOD = (
    "Metoden er lagt til af brugeren og er ikke beskrevet her. Den giver forskelle mellem kommuner med indsatsen og "
    "sammenligningskommuner; usikkerheden er regnet som for de øvrige metoder."
)
BELOW_ZERO = "En beregnet andel kan ligge lidt under nul, når den er lille og usikker."
EXPOSURE = "én sanktion mere pr. 100 modtagere om måneden"

REFORMS = (
    ("2013-01-01", "Reform af førtidspension og fleksjob"),
    ("2014-01-01", "Kontanthjælpsreform: uddannelseshjælp til unge under 30 år"),
    ("2014-07-01", "Sygedagpengereform"),
    ("2015-09-01", "Integrationsydelse"),
    ("2016-01-01", "Refusionsreform"),
    ("2016-10-01", "Jobreform: kontanthjælpsloft og 225-timersregel"),
    ("2017-04-01", "Jobpræmie"),
    ("2019-08-01", "Forberedende grunduddannelse (FGU)"),
    ("2020-01-01", "Forenklet beskæftigelseslov og nye sanktionsregler"),
    ("2020-03-11", "Nedlukning under covid-19"),
    ("2025-01-01", "Arbejdspligt"),
    ("2025-07-01", "Nyt kontanthjælpssystem"),
)
"""Dates that make almost any series jump."""

RULES = {
    "unique": "ingen dubletter",
    "not_null": "aldrig tom",
    "one_of": "kun kendte koder",
    "between": "inden for det mulige",
    "row_count": "forventet antal rækker",
}
SEVERITIES = {"critical": "standser kørslen", "warning": "advarsel"}


def outcome(name: str) -> Outcome:
    """Return an outcome's words; an unknown one is named as it is."""
    plain = name.replace("_", " ")
    return OUTCOMES.get(
        name,
        Outcome(plain.capitalize(), f"{plain} var {{}} højere", f"{plain} var {{}} lavere", f"{plain} ændrede sig"),
    )


def group(value: str) -> str:
    """Return the name of a group as a reader says it."""
    text = {"true": "ja", "false": "nej"}.get(str(value).lower())
    return text or VALUES.get(str(value), str(value)).replace("-", "–")


def rule(name: str) -> str:
    """Return a rule of the data checks in Danish: `not_null(sex)` is `aldrig tom: sex`."""
    kind, _, columns = name.partition("(")
    return f"{RULES[kind]}: {columns.rstrip(')')}" if kind in RULES else name


def when(at: int, period: str) -> str:
    """Return a time from the start in words: `3 måneder før`, `ved start`, `1 kvartal efter`."""
    if at == 0:
        return "ved start"
    plural, single = PERIODS.get(period, PERIODS["month"])
    return f"{abs(at)} {single if abs(at) == 1 else plural} {'før' if at < 0 else 'efter'}"


def hidden(number: int, single: str, plural: str) -> tuple[str, ...]:
    """Return the line on what a figure leaves out because of small counts; nothing when nothing is."""
    return (
        (f"Skjult, fordi for få personer ligger bag: {number} {single if number == 1 else plural}.",) if number else ()
    )


def estimator(name: str) -> str:
    """Return an estimator's name in a list; one that another package registered is called what it calls itself."""
    return ESTIMATORS.get(name, name.replace("_", " "))


def listed(names: list[str], limit: int = 4) -> str:
    """Return `A, B og C`, or the first few and how many more."""
    if len(names) > limit + 1:
        return f"{', '.join(names[:limit])} og {len(names) - limit} andre"
    return " og ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
