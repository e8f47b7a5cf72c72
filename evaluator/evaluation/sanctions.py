"""What happens to those who are sanctioned, person by person: the part of an evaluation that [sanctions] asks for."""

from __future__ import annotations

import duckdb

from evaluator.evaluation import meetings
from evaluator.evaluation.sanction_courses import courses
from evaluator.evaluation.sanction_designs import designs
from evaluator.evaluation.sanction_effects import effects
from evaluator.evaluation.sanction_hazards import Spells
from evaluator.results import Findings
from evaluator.spec import EvaluationSpec
from evaluator.vocabulary import Diagnostic, Estimate, Light, NotEstimable

Found = Estimate | NotEstimable
THREAT_WHY = "Truslen om en sanktion kan virke på alle, også dem der aldrig får en. Modellen måler den ikke."


def estimate(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, names: dict[str, str], findings: Findings
) -> tuple[Found, list[Diagnostic]]:
    """Add all about the sanctioned; return the headline, self-support without job from week 5, and the checks."""
    data = Spells.read(connection)
    reach = connection.execute("select data_to, exits_to from marts.observation").fetchall()
    if not reach or reach[0][1] is None or data.spells.is_empty():
        refused = NotEstimable(
            "Der er ingen borgerforløb med kendte afgange i perioden.", "Levér udtrækkene ydelser og beskaeftigelse."
        )
        findings.add(
            "refusals",
            {
                "outcome": "exit_self_support",
                "reason": refused.reason,
                "what_would_help": refused.what_would_help,
            },
        )
        return refused, []
    findings.facts(
        sanction_persons=data.spells["person_id"].n_unique(),
        sanction_spells=len(data.spells),
        sanction_persons_asked=spec.sanctions.persons if spec.sanctions else 0,
    )
    courses(data, names, reach[0][0], findings)
    headline, checks = effects(data, spec, findings)
    designs(connection, findings)
    if spec.meetings is not None:
        meetings.estimate(connection, data, spec, findings)
    findings.facts(plausibility=_plausibility(findings))
    return headline, [*checks, Diagnostic("threat", None, "måles ikke", Light.AMBER, THREAT_WHY)]


def _plausibility(findings: Findings) -> str:
    """Return the worse of the headline's lights against earlier studies; none when no exit has a band."""
    order = [light.value for light in (Light.GREEN, Light.AMBER, Light.RED)]
    headlines = [row for row in findings.rows.get("sanction_effects", []) if row["is_headline"]]
    lights = [row["plausibility"] for row in headlines if row.get("plausibility")]
    return max(lights, key=order.index, default="none")
