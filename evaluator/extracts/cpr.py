"""What a Danish personal number (CPR) looks like, in any text. What is found is never repeated in a message.

Ten digits, or six and four with a blank or a dash of any kind between (010190-1234, 01.01.90-1234), that begin with a
day and a month; replacement numbers add 60 to the day. A number that has lost its leading zero has nine. The check
digit is not asked for: since 2007 there are numbers without it.
"""

from __future__ import annotations

import re

DASH = "[-\u00ad\u2010-\u2015\u2212]"
BLANK = "[ \u00a0\u2007\u2009\u202f]"
BETWEEN = f"(?:{BLANK}?{DASH}{BLANK}?|{BLANK})"


def _day_and_month(point: str) -> str:
    days = rf"(?:0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01]){point}(?:0[13578]|1[02])"
    shorter = rf"(?:0[1-9]|[12]\d|30|6[1-9]|[78]\d|90){point}(?:0[469]|11)"
    return rf"(?:{days}|{shorter}|(?:0[1-9]|[12]\d|6[1-9]|[78]\d){point}02)"


LOST_ZERO = r"[1-9](?:0[1-9]|1[0-2])\d\d"
SERIAL = r"(?:\d{3}[1-9]|\d\d[1-9]\d|\d[1-9]\d\d|[1-9]\d{3})"
"""Four digits that are not all zero: amounts of a hundred millions are round, serial numbers are not."""


def _alone(number: str) -> str:
    return rf"(?:^|[^0-9]){number}(?:[^0-9]|$)"


# Both engines read these, Python's and RE2. Numbers in one piece are judged apart from those in two.
SHAPES = {
    "whole": _alone(r"[0-9]{9,10}"),
    "parted": _alone(
        rf"(?:[0-9]{{5,6}}{BETWEEN}[0-9]{{4}}|[0-9]{{1,2}}[-./][0-9]{{2}}[-./][0-9]{{2}}{DASH}[0-9]{{4}})"
    ),
}
DATED = {
    "whole": _alone(rf"(?:{_day_and_month('')}\d{{6}}|{LOST_ZERO}{SERIAL})"),
    "parted": _alone(
        rf"(?:{_day_and_month('')}\d\d{BETWEEN}\d{{4}}|{LOST_ZERO}{BETWEEN}{SERIAL}"
        rf"|{_day_and_month('[-./]')}[-./]\d\d{DASH}\d{{4}}|[1-9][-./](?:0[1-9]|1[0-2])[-./]\d\d{DASH}\d{{4}})"
    ),
}
BEGINS_WITH_A_YEAR = r"(?:^|[^0-9])(?:19|20)[0-9]{2}"
BEGINNING = r"(?:^|[^0-9])(?P<digits>[0-9]{2})[0-9]{7,8}(?:[^0-9]|$)"
"""The first two digits of a number in one piece."""
# In long keys (hashes, UUIDs) any digits turn up, and so they do in the fraction of a number.
KEY = (
    r"[0-9A-Za-z]{21,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|\b[0-9a-fA-F]*[0-9][a-fA-F]+[0-9][0-9a-fA-F]*\b"
    r"|\b[a-fA-F]{3,}[0-9]{9,10}[a-fA-F]*\b|\b[a-fA-F]*[0-9]{9,10}[a-fA-F]{3,}\b"
    r"|^\s*[-+]?[0-9]+[.,][0-9]*[1-9][0-9]*\s*$"
)
HIDDEN = "~"

FOLDED = bytes(48 if byte in b"0123456789" else 45 if byte >= 128 or byte in b" ./-" else byte for byte in range(256))
BETWEEN_BYTES = (b" ", b".", b"/", b"-")
LONGEST = 40
"""Bytes that hold any number with what stands around it."""
PIECE = 1 << 18  # bytes that are looked at together, so that they stay in the processor's cache


def may_hold_cpr(data: bytes) -> bool:
    """Tell whether text in any 8-bit coding may hold a number: quick, and right when it says no."""
    if data.isascii() and not any(byte in data for byte in BETWEEN_BYTES):
        return _has_nine_digits(data)
    folded = data.translate(FOLDED)
    widths = (1, 2, 3) if data.isascii() else range(1, 8)
    return (
        b"000000000" in folded
        or any(b"00000" + b"-" * width + b"0000" in folded for width in widths)
        or b"0-00-00-0000" in folded
        or (not data.isascii() and b"0-00-00--" in folded)
    )


def _has_nine_digits(data: bytes) -> bool:
    """Tell whether nine digits stand beside each other: the only form of a number without blank, dash or point."""
    import numpy as np

    text = np.frombuffer(data, np.uint8)
    for at in range(0, len(text), PIECE):
        digits = (text[at : at + PIECE + 8] - np.uint8(48)) < 10
        for step in (1, 2, 4, 1):
            digits = digits[:-step] & digits[step:]
        if digits.any():
            return True
    return False


def holds_cpr(text: str) -> bool:
    """Tell whether a text by itself (a name, a header, a note) holds a number."""
    cleared = re.sub(KEY, HIDDEN, text)
    return any(re.search(dated, cleared, re.ASCII) for dated in DATED.values())


def masked(name: str) -> str:
    """Return `name` with every digit hidden, for a message about a file whose name holds a CPR number."""
    return re.sub(r"\d", "#", name)
