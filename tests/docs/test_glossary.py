"""Every word that the product takes from Danish administration, or invents, stands in the glossary."""

import re

import pytest

from evaluator.extracts.contract import contracts
from evaluator.extracts.dream import dream_codes
from evaluator.spec import OUTCOMES
from tests.docs.fences import read

FLAGS = {"M", "K", "0", "1"}


def _domain(extract: str, column: str) -> set[str]:
    contract = next(contract for contract in contracts() if contract.name == extract)
    return set(next(item for item in contract.columns if item.name == column).domain)


def _every_domain() -> set[str]:
    return {value for contract in contracts() for column in contract.columns for value in column.domain} - FLAGS


NAMED = {
    "target groups": _domain("visitation", "visitation"),
    "sanction types": _domain("sanktioner", "type"),
    "benefits": {code.benefit for code in dream_codes()},
    "outcome classes": {code.outcome_class for code in dream_codes()},
    "outcomes of specs": set(OUTCOMES),
    "values of all contracts": _every_domain(),
}


@pytest.mark.parametrize("kind", NAMED)
def test_the_glossary_has_all(kind: str) -> None:
    defined = set(re.findall(r"`(\w+)`", read("GLOSSARY.md")))
    assert NAMED[kind], "nothing to look for"
    assert NAMED[kind] - defined == set()


def _numbers(text: str) -> set[int]:
    """Return the codes of a cell such as "111-114, 299"."""
    pairs = (part.partition("-") for part in text.split(", "))
    return {number for first, _, last in pairs for number in range(int(first), int(last or first) + 1)}


def test_the_glossary_gives_each_benefit_its_codes() -> None:
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \| [^|]+ \| ([\d, -]+) \|$", read("GLOSSARY.md"), re.MULTILINE)
    known = {int(code.code) for code in dream_codes()}
    told = {benefit: _numbers(codes.strip()) & known for benefit, codes in rows}
    assert told == {b: {int(c.code) for c in dream_codes() if c.benefit == b} for b in NAMED["benefits"]}


def test_no_row_of_the_glossary_is_without_a_definition() -> None:
    rows = [line.split("|")[1:-1] for line in read("GLOSSARY.md").splitlines() if line.startswith("| ")]
    assert [row[0].strip() for row in rows if not all(cell.strip() for cell in row[:3])] == []
