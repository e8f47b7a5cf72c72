"""What may leave the store: small counts are hidden, and nothing that leaves gives them away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.disclosure import MINIMUM_COUNT, Margin, rounded, rounded_parts, suppressed
from evaluator.errors import DisclosureError


@pytest.mark.parametrize(
    ("counts", "margins", "hidden"),
    [
        ([100, 50, 20], [Margin((0, 1, 2))], [False, False, False]),
        ([100, 50, 3], [Margin((0, 1, 2))], [False, True, True]),  # one hidden cell could be subtracted
        ([100, 5, 3], [Margin((0, 1, 2))], [False, True, True]),  # together eight: each could be six or more
        ([100, 60, 2, 1], [Margin((0, 1, 2, 3))], [False, True, True, True]),  # together three: all known small
        ([100, 0, 50], [Margin((0, 1, 2))], [False, True, True]),
        ([3, 2], [Margin((0, 1))], [True, True]),  # nothing left to hide
        ([3, 40, 43], [Margin((0, 1), 2)], [True, True, False]),  # the total is shown, so both parts go
    ],
)
def test_small_counts_and_what_gives_them_away_are_hidden(
    counts: list[int], margins: list[Margin], hidden: list[bool]
) -> None:
    assert suppressed(counts, margins) == hidden


def test_a_minimum_under_five_is_refused() -> None:
    with pytest.raises(DisclosureError, match="at least 5"):
        suppressed([1, 2], [], minimum=4)


@given(st.lists(st.integers(0, 400), min_size=2, max_size=9))
def test_hidden_cells_of_a_margin_could_each_be_over_the_minimum(counts: list[int]) -> None:
    hidden = suppressed(counts, [Margin(tuple(range(len(counts))))])
    inside = [c for c, h in zip(counts, hidden, strict=True) if h]
    assert all(h for c, h in zip(counts, hidden, strict=True) if c <= MINIMUM_COUNT)
    assert len(inside) != 1
    assert not inside or sum(inside) > MINIMUM_COUNT or all(hidden)


@given(st.lists(st.integers(0, 4000), min_size=1, max_size=9))
def test_rounded_parts_add_up_and_stay_near(counts: list[int]) -> None:
    parts = rounded_parts(counts)
    assert sum(parts) == rounded(sum(counts))
    assert all(part % 5 == 0 and abs(part - count) < 5 for part, count in zip(parts, counts, strict=True))
