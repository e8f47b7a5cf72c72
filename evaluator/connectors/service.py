"""One way to ask a service over HTTP: paced, repeated after 429, 5xx and timeouts, never redirected."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evaluator.errors import FetchError

if TYPE_CHECKING:
    import httpx

CALLS_PER_SECOND = 4  # good manners: StatBank publishes no limit
ATTEMPTS = 5
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
TIMEOUT_SECONDS = 120.0
MOST_BYTES = 500_000_000
TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status but those that are repeated."""

    status: int
    body: bytes


@dataclass(slots=True)
class Service:
    """A service at `base`. `headers` may hold a secret: they are never shown. `sleep` waits for seconds."""

    name: str
    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _free_at: float = 0.0

    def ask(self, path: str, *, body: object = None, params: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a POST of `body` as JSON, or to a GET without one.

        Raises FetchError when no attempt gets through.
        """
        import httpx

        wait = FIRST_WAIT_SECONDS
        told = ""
        with httpx.Client(headers=dict(self.headers), timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            for attempt in range(1, ATTEMPTS + 1):
                self._pace()
                asked: float | None = None
                try:
                    answer, asked = self._once(client, path, body, params)
                    if answer.status != TOO_MANY and answer.status < 500:
                        return answer
                    told = f"answered {answer.status}"
                except httpx.TransportError as problem:
                    told = f"did not answer ({type(problem).__name__})"
                if attempt < ATTEMPTS:
                    self.sleep(min(asked if asked is not None else wait, LONGEST_WAIT_SECONDS))
                    wait *= 2
        raise FetchError(
            f"{self.name}: {path} {told} in {ATTEMPTS} attempts; expected an answer. "
            "Look at the connection, and try again later."
        )

    def _once(
        self, client: httpx.Client, path: str, body: object, params: Mapping[str, str] | None
    ) -> tuple[Answer, float | None]:
        """Ask once; return the answer and the seconds that the service asks to wait, if it does."""
        extra: dict[str, Any] = {"json": body} if body is not None else {}
        with client.stream("POST" if body is not None else "GET", self.base + path, params=params, **extra) as answer:
            parts, size = [], 0
            for part in answer.iter_bytes():
                size += len(part)
                if size > MOST_BYTES:
                    raise FetchError(
                        f"{self.name}: {path} answers over {MOST_BYTES:,} bytes; expected less. Select fewer values."
                    )
                parts.append(part)
            after = answer.headers.get("retry-after", "")
        return Answer(answer.status_code, b"".join(parts)), float(after) if after.isdecimal() else None

    def _pace(self) -> None:
        now = self.clock()
        if now < self._free_at:
            self.sleep(self._free_at - now)
        self._free_at = max(now, self._free_at) + 1 / CALLS_PER_SECOND


def plain(text: object) -> str:
    """Return a service's own words for a message: one line, printable, at most 200 characters."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))[:200].strip()
