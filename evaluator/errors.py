"""The one family of errors a user can meet.

Every message reads `{where}: {what is wrong}; expected {this}. {Next step}.` and names files, lines, columns and
counts, never a person's value.
"""


class EvaluatorError(Exception):
    """Base of every error that the command line shows without a traceback."""


class ProjectError(EvaluatorError):
    """The project folder, its store or its lock."""


class SpecError(EvaluatorError):
    """A spec that cannot be read or does not make sense."""


class ExtractError(EvaluatorError):
    """A delivered file that is refused."""


class ModelError(EvaluatorError):
    """A SQL model whose header, order or query is wrong."""


class CheckError(EvaluatorError):
    """A critical expectation that does not hold."""


class PanelError(EvaluatorError):
    """Data that cannot be laid out as a panel or as sections."""


class DisclosureError(EvaluatorError):
    """A table that must not leave the store."""


class FetchError(EvaluatorError):
    """A statistics service that refuses, does not answer, or answers something else than it documents."""
