"""What went wrong, told without any person's value and, in the notice, in words an analyst understands."""

from __future__ import annotations

import traceback
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect.logging.loggers import flow_run_logger

from evaluator.errors import CheckError, EvaluatorError, ExtractError, ModelError, PanelError, ProjectError, SpecError
from evaluator.project import Project

HOME = Path(__file__).parents[1]


class StepError(EvaluatorError):
    """Something unforeseen inside a step; told by its kind and place only, since its text may quote a person."""


MEANING = (
    (
        ExtractError,
        "En fil i extracts/ blev afvist. Intet fra den er indlæst; resten af databasen er, som den var.",
        "Ret filen eller bed om en ny, læg den i extracts/ og start kørslen igen. Filer, der allerede er indlæst, "
        "springes over.",
    ),
    (
        CheckError,
        "Data er indlæst, men en kritisk kontrol fejlede. Der er ikke regnet på dem og ikke skrevet nye rapporter.",
        "Kør den kommando, der står i programmets besked, for at se hvor mange rækker det drejer sig om. "
        "Ret udtrækket, og lever det igen.",
    ),
    (
        SpecError,
        "En specifikation i specs/ kan ikke bruges. De andre er kørt, hvis de kunne.",
        "Ret filen på den linje, som beskeden nævner, og start kørslen igen.",
    ),
    (
        ProjectError,
        "Projektets mappe eller database kunne ikke åbnes, heller ikke efter flere forsøg.",
        "Luk andre programmer, der har databasen åben, og se efter, at disken ikke er fuld. Start så kørslen igen.",
    ),
    (
        (ModelError, PanelError),
        "En tabel kunne ikke bygges af de data, der er leveret.",
        "Kør 'evaluator why' med tabellens navn. Hjælper det ikke, så send denne besked til den, der vedligeholder "
        "programmet.",
    ),
)
UNFORESEEN = (
    "Der skete en fejl, som programmet ikke kender.",
    "Start kørslen igen. Sker det en gang til, så send denne besked til den, der vedligeholder programmet.",
)


def told(step: str, error: Exception) -> EvaluatorError:
    """Return an error that may be logged: the engine's own as it is, any other by its kind and place.

    A fault of disk or network is the project's: it may have passed when the step is tried again.
    """
    if isinstance(error, EvaluatorError):
        return type(error)(str(error))
    kind = ProjectError if isinstance(error, OSError) else StepError
    return kind(
        f"{step}: {type(error).__name__} in {_place(error)}; expected the step to finish. "
        "Run it from the command line with --debug to see more."
    )


def _place(error: Exception) -> str:
    """Return the file and line, the last of ours when the error arose in somebody else's code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame for frame in frames if Path(frame.filename).is_relative_to(HOME) and "site-packages" not in frame.filename
    ]
    last = (ours or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def explain(error: object) -> tuple[str, str]:
    """Return what happened and what to do, in Danish."""
    for kinds, happened, to_do in MEANING:
        if isinstance(error, kinds):
            return happened, to_do
    return UNFORESEEN


def tell_failure(flow: Any, flow_run: Any, state: Any) -> None:
    """Write a notice into the project's reports folder, and one line into the log. Prefect calls it on failure."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, list):
        return  # the states of the specs of a night: each that failed has left its own notice
    happened, to_do = explain(error)
    message = str(error) if isinstance(error, EvaluatorError) else "Se kørslen i Prefect."
    moment = datetime.now()
    lines = (
        f"Kørslen blev ikke færdig: {flow.name}",
        "",
        f"Tidspunkt: {moment:%Y-%m-%d %H:%M}",
        f"Hvad skal køres: {flow_run.parameters.get('spec', 'alle specifikationer')}",
        f"Hvad skete der: {happened}",
        f"Det skal du gøre: {to_do}",
        f"Programmets egen besked: {message}",
        f"Kørslens navn i Prefect: {flow_run.name}",
        "",
        "Denne besked indeholder ingen personoplysninger.",
    )
    flow_run_logger(flow_run, flow).error("%s Det skal du gøre: %s", happened, to_do)
    try:
        reports = Project.open(flow_run.parameters["project"]).reports
    except EvaluatorError:
        return  # there is no project to write into; the log line stands
    notice = reports / f"FEJL-{flow.name}-{moment:%Y-%m-%d-%H%M%S}.txt"
    notice.write_text("\n".join(lines) + "\n", encoding="utf-8")
