"""What a reader must bear in mind, worded in Danish and chosen from the facts of a run."""

from __future__ import annotations

from evaluator.design.frozen import Design
from evaluator.spec import PERSON_OUTCOMES, EvaluationSpec

OTHER_TARGET_GROUP = (
    "Serien tæller nettoledige kontanthjælpsmodtagere, altså de jobparate. Det er ikke projektets målgruppe "
    "(aktivitetsparate og uddannelseshjælp), så tallene viser metoden og er ingen dom over projektet."
)
AS_THEY_WERE = (
    "Sammenligningen er med kommuner, som de var. Mange af dem investerede også i de år, så effekten er i forhold til "
    "almindelig praksis, ikke til ingen indsats."
)
ONE_MUNICIPALITY = (
    "Én kommune er én observation: usikkerheden kommer fra, hvor meget andre kommuner svinger af sig selv, ikke fra "
    "antallet af borgere."
)
BETWEEN_MUNICIPALITIES = (
    "Usikkerheden er mellem kommuner, ikke mellem borgere. Intervallet er regnet ved at udelade én kommune ad gangen, "
    "så ingen enkelt kommune får lov at bære resultatet alene."
)
OFF_BENEFIT = (
    "Færre på ydelse er ikke det samme som flere i job. Se, hvor borgerne er, ikke kun om de er væk fra ydelsen."
)
REVERSE_CAUSALITY = (
    "Kommuner kan give flere sanktioner, fordi det går dårligt, og ikke omvendt. Tallene viser en sammenhæng mellem "
    "kommunernes praksis og afgang, ikke virkningen på den enkelte."
)
SELECTED = (
    "Sagsbehandleren vælger, hvem der får en sanktion. Modellen tager højde for forskelle, der ikke er registreret, "
    "men kun hvis ingen handler på sanktionen, før den kommer; de første uger efter den viser, om det holder."
)
THREAT = "Sanktioner kan også virke på dem, der aldrig får en. Den virkning måles ikke her."
EXPOSED = (
    "Borgere, der kom ind i månederne lige før start, blev delvist omfattet. De vises, men bruges hverken som "
    "udgangspunkt eller som test."
)
GROSS_SERIES = (
    "Bestanden afhænger både af, hvor mange der kommer ind, og hvor længe de bliver. Serien skiller dem ikke ad."
)


def choose(spec: EvaluationSpec, design: Design) -> list[str]:
    """Return the caveats of a run, the most important first."""
    if spec.intervention.kind == "sanction":
        if spec.sanctions is not None:
            return [SELECTED, OFF_BENEFIT, THREAT, REVERSE_CAUSALITY]
        return [REVERSE_CAUSALITY, OFF_BENEFIT, THREAT]
    is_proxy = "nettoledige_kontanthjaelp" in spec.population.benefits
    chosen = [OTHER_TARGET_GROUP] if is_proxy else []
    chosen.append(ONE_MUNICIPALITY if len(design.treated) == 1 else BETWEEN_MUNICIPALITIES)
    chosen.append(AS_THEY_WERE)
    chosen.append(GROSS_SERIES if spec.primary.name == "recipients" else OFF_BENEFIT)
    if spec.primary.name in PERSON_OUTCOMES:
        chosen.append(EXPOSED)
    return chosen
