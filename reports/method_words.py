"""Estimators and tests in the words of a reader: name, idea, formula; and what each test is."""

METHODS = {
    "group_time": (
        "Forskelle i forskelle, kohorte for kohorte",
        "Vi følger alle borgere, der begynder på ydelsen en given måned, og ser, hvor de er et fast antal uger senere. "
        "For hver kommune, der starter indsatsen, måles ændringen fra før til efter starten. Fra den trækkes ændringen "
        "i de samme måneder i kommuner, der endnu ikke er startet. Til sidst vejes kommunerne sammen efter antal "
        "borgere.",
        "effekt = (efter − før) i kommuner med indsatsen − (efter − før) i sammenligningskommuner",
    ),
    "entropy_balancing": (
        "Forskelle i forskelle med vægtede kohorter (entropibalancering)",
        "Vi følger alle borgere, der begynder på ydelsen i en periode, og ser, hvor de er et fast antal uger senere. I "
        "hver af de andre kommuner vægtes borgerne, så de i gennemsnit har samme træk ved indgangen som dem, der "
        "begyndte i indsatskommunen: før starten som før, efter starten som efter. Så kan hverken en ny sammensætning "
        "af borgerne eller en anden sammensætning andre steder ligne en effekt. En kommune, hvis borgere ikke kan "
        "vægtes til det, er ikke med. Uden valgte træk tæller alle borgere én gang.",
        "effekt = (efter − før) i indsatskommunen − (vægtet efter − vægtet før) i de andre kommuner",
    ),
    "imputation": (
        "Imputation",
        "Ud fra de kommuner og måneder, der ikke er omfattet, regnes kommunens eget niveau og månedens fælles niveau "
        "ud. Summen er, hvad der ville være sket uden indsatsen. Effekten er det, der skete, minus det, vejet sammen "
        "efter antal borgere.",
        "effekt = det, der skete − (kommunens eget niveau + månedens fælles niveau)",
    ),
    "saturated": (
        "Mættet forløb",
        "En regression med faste forskelle for kommuner og måneder, hvor hver gruppe af kommuner, der starter "
        "samtidig, har sin egen forskel for hver tid fra start. Forskellene vejes sammen efter antal borgere.",
        "udfald = kommunens eget niveau + månedens fælles niveau + startgruppens forskel på det tidspunkt",
    ),
    "mean_log_change": (
        "Ændring mod andre kommuners ændring",
        "Vi beregner, hvor meget det gennemsnitlige antal modtagere har ændret sig i procent fra perioden før til "
        "perioden efter starten, og trækker den gennemsnitlige ændring i de andre kommuner fra. Usikkerheden findes "
        "ved at lade som om hver af de andre kommuner havde haft indsatsen.",
        "effekt = log(efter ÷ før) i kommunen − gennemsnittet af log(efter ÷ før) i de andre kommuner",
    ),
    "synthetic_did": (
        "Syntetisk forskel i forskelle",
        "De andre kommuner vejes, så de sammen følger kommunen før starten, og perioderne før starten vejes, så de "
        "ligner tiden efter. Forskellen er kommunens ændring minus de vejede kommuners.",
        "effekt = (efter − vejet før) i kommunen − (efter − vejet før) i de vejede kommuner",
    ),
    "synthetic_control": (
        "Syntetisk kontrol",
        "De andre kommuner vejes, så de sammen følger kommunens udvikling før starten så tæt som muligt; vægtene er "
        "nul eller over og giver én tilsammen. Forskellen er det, kommunen skiller sig ud med efter starten.",
        "effekt = (efter − før) i kommunen − (efter − før) i de vejede kommuner",
    ),
    "donor_pool": (
        "Alle andre kommuner samlet",
        "Kommunens ændring fra hele tiden før starten til året efter, minus de andre kommuners, vejet efter antal "
        "modtagere. Ingen vægte er valgt ud fra data.",
        "effekt = (efter − før) i kommunen − (efter − før) i de andre kommuner",
    ),
    "municipality_panel": (
        "Kommuner over tid med faste forskelle",
        "Vi ser, om afgangen fra ydelsen ændrer sig i de måneder, hvor en kommune giver flere eller færre sanktioner "
        "end den plejer, når der tages højde for det, der er fælles for alle kommuner samme måned. Beregningen fjerner "
        "varige forskelle mellem kommuner, men ikke forhold, der ændrer både sanktioner og afgang samtidig.",
        "afgang = kommunens eget niveau + månedens fælles niveau + hældning × sanktioner pr. 100 modtagere",
    ),
}

TIMING_OF_EVENTS = (
    "De sanktionerede: hver borger følges uge for uge, fra forløbet begynder, og afgangen til hver af de fire "
    "tilstande efter den første sanktion sammenlignes med afgangen for dem, der endnu ikke har fået en, inden for "
    "samme ydelse og målgruppe, alder, køn, år, sagstal og kommunens eget niveau. Udeblivelser regnes som en tilstand"
    " for sig. Forskelle, som data ikke viser, kommer ind som typer af borgere, der både kan have lettere ved at "
    "komme i job og sjældnere få en sanktion (Abbring og van den Berg 2003; Gaure, Røed og Zhang 2007). Uger i "
    "støttet arbejde tæller ikke med, for der gives ingen sanktioner. Senere sanktioner er en del af det, der følger "
    "efter den første."
)

INFERENCE = {
    "leave_one_cluster_out": "udeladelse af én kommune ad gangen og en t-fordeling",
    "influence_function": "spredning mellem kommuner",
    "randomisation": "placebotest over kommuner",
    "ferman_pinto": "placebotest over kommuner, hver bragt til kommunens størrelse (Ferman og Pinto 2019)",
    "randomisation_t": "randomisering af t (MacKinnon og Webb 2020)",
    "single_cluster": "test for én kommune med antaget loft over variansen (Hagemann 2025)",
    "conformal": "flytning af perioder (Chernozhukov, Wüthrich og Zhu 2021)",
    "conley_taber": "placebotest med to haler (Conley og Taber 2011)",
    "placebo_error": "standardfejl fra placebokommuner (Arkhangelsky m.fl. 2021)",
    "jackknife_error": "jackknife (Arkhangelsky m.fl. 2021)",
}
