"""The municipalities that share a border: symmetric, complete, and what a map of the boundaries gives."""

import json
import os
from collections import defaultdict
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from evaluator.registers.municipalities import municipalities, neighbours

SHARED = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared"))
MAP = SHARED / "domain" / "data" / "kommuner_98_forenklet.geojson"
CODES = [row.code for row in municipalities()]
CODE = {row.name: row.code for row in municipalities()}
BRIDGES = {
    ("Fredericia", "Middelfart"),
    ("Nyborg", "Slagelse"),
    ("Guldborgsund", "Vordingborg"),
    ("Langeland", "Svendborg"),
    ("Morsø", "Skive"),
    ("Morsø", "Thisted"),
}
ISLANDS = {"Bornholm", "Ærø", "Fanø", "Samsø", "Læsø"}


def pairs():
    return {frozenset((code, other)) for code in CODES for other in neighbours(code)}


def test_every_municipality_is_listed_once_and_only_islands_have_no_neighbour():
    assert {name for name, code in CODE.items() if not neighbours(code)} == ISLANDS
    assert all(list(neighbours(code)) == sorted(set(neighbours(code)) & set(CODES)) for code in CODES)


def test_neighbours_are_mutual_and_nobody_is_its_own():
    assert all(code in neighbours(other) for code in CODES for other in neighbours(code))
    assert all(len(pair) == 2 for pair in pairs())


def test_everybody_on_the_mainland_can_be_reached_over_borders_and_bridges():
    reached, ahead = set(), [CODE["København"]]
    while ahead:
        code = ahead.pop()
        reached.add(code)
        ahead += [other for other in neighbours(code) if other not in reached]
    assert set(CODES) - reached == {CODE[name] for name in ISLANDS}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Horsens", "Hedensted Ikast-Brande Odder Silkeborg Skanderborg"),
        ("Silkeborg", "Favrskov Horsens Ikast-Brande Skanderborg Viborg"),
        ("Ballerup", "Albertslund Egedal Furesø Glostrup Herlev"),
        ("Hjørring", "Brønderslev Frederikshavn Jammerbugt"),
        ("Frederiksberg", "København"),
        ("Fredericia", "Kolding Middelfart Vejle"),
    ],
)
def test_neighbours_known_from_the_map(name, expected):
    assert set(neighbours(CODE[name])) == {CODE[other] for other in expected.split()}


@pytest.mark.parametrize("code", ["000", "411", "0615", ""])
def test_a_code_that_is_no_municipality_is_refused(code):
    with pytest.raises(ValueError, match="is no municipality; expected one of the 98"):
        neighbours(code)


@pytest.mark.skipif(not MAP.exists(), reason="reference data not found: the map of municipalities")
def test_land_borders_are_those_of_the_polygons_and_the_rest_are_bridges():
    owners = defaultdict(set)
    for feature in json.loads(MAP.read_text(encoding="utf-8"))["features"]:
        for polygon in feature["geometry"]["coordinates"]:
            for ring in polygon:
                for edge in pairwise(map(tuple, ring)):
                    owners[frozenset(edge)].add(str(feature["properties"]["kommunekode"]))
    by_land = {frozenset(pair) for codes in owners.values() for pair in combinations(sorted(codes), 2)}
    bridges = {frozenset(CODE[name] for name in pair) for pair in BRIDGES}
    assert len(by_land) == 186 and not by_land & bridges
    assert pairs() == by_land | bridges
