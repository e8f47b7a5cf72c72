"""Whom a claim about a programme counts: its participants, or everybody who entered since it began."""

from __future__ import annotations

from reports import answer, numbers, words
from reports.released import Released


def sentence(released: Released) -> str:
    """Return whom the claim counts: participants, or everybody who entered since the start."""
    if released.fact("kind") != "programme" or released.answer_kind == "refused":
        return ""
    found = {row["who"]: row for row in released.primary("participants")}
    if not found:
        return "Nævneren: hvem der deltog i projektet, er ikke opgjort, så tallene er af alle, der kom ind efter start."
    told = words.outcome(released.outcome).label.lower()
    taking_part, others, everybody = (found[who] for who in ("participants", "others", "all"))
    if not numbers.is_known(taking_part["share"]):
        return "Nævneren: deltagerne vises ikke for sig, fordi der er for få af dem. Tallene er af alle, der kom ind."
    return (
        f"Nævneren: af {numbers.count(everybody['persons'])}, der kom ind efter start, deltog "
        f"{numbers.count(taking_part['persons'])} i projektet. {told.capitalize()} {answer.horizon(released)}: "
        f"{numbers.percent(taking_part['share'])} af deltagerne, {numbers.percent(others['share'])} af de øvrige, "
        f"{numbers.percent(everybody['share'])} af alle. Hvem der deltager, er udvalgt efter start, så "
        "forskellen mellem dem er ikke en virkning; svaret ovenfor er af alle."
    )
