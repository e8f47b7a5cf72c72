"""The documentation's commands that fetch meet a server on this machine."""

from collections.abc import Iterator

import pytest

from tests.statistics_server import TOKEN, Statistics, serving


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    quarters = [f"{year}K{quarter}" for year in (2011, 2012) for quarter in (1, 2, 3, 4)]
    with serving(Statistics({(area, quarter): "100" for area in ("0", "615") for quarter in quarters})) as served:
        monkeypatch.setenv("EVALUATOR_STATBANK_URL", served.url)
        monkeypatch.setenv("EVALUATOR_JOBINDSATS_URL", f"{served.url}/v3")
        monkeypatch.setenv("JOBINDSATS_TOKEN", TOKEN)
        yield
