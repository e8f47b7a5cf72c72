"""Where independent tasks run: in this process, or in several on this machine. Results keep the order of the tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Backend(Protocol):
    """Run a function on each task and return the results in the tasks' order."""

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]: ...


@dataclass(frozen=True, slots=True)
class Serial:
    """One task after the other, in this process."""

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        """Return the results in the tasks' order."""
        return [function(task) for task in tasks]


@dataclass(frozen=True, slots=True)
class Joblib:
    """`workers` processes on this machine; function and tasks must be picklable."""

    workers: int = 2

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        """Return the results in the tasks' order, whichever finishes first."""
        from joblib import Parallel, delayed

        return list(Parallel(n_jobs=self.workers)(delayed(function)(task) for task in tasks))


def backend(workers: int = 1) -> Backend:
    """Return the serial backend for one worker, joblib for more."""
    return Serial() if workers <= 1 else Joblib(workers)
