"""The CPR guard: find Danish personal numbers in bytes or in a file name. What it finds is never repeated in a message.

A number is ten digits, or six and four with a hyphen, dash or blank between, that begin with a plausible date
(replacement numbers add 60 to the day; numbers without a valid check digit exist since 2007, so it is not asked for).
"""

from __future__ import annotations

import re

SEPARATORS = (b"", b"-", b" ", b"\xe2\x80\x93", b"\xc2\xa0")
NUMBER = re.compile(rb"(?<!\d)(\d\d)(\d\d)\d\d(?:-| |\xe2\x80\x93|\xc2\xa0)?\d{4}(?!\d)")
KEY = re.compile(rb"[0-9A-Za-z]{21,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
PIECE = 1 << 18  # bytes that are looked at a time, so that they stay in the processor's cache
LONGEST = 13  # bytes of a number with a dash
MOST_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
REPLACEMENT_DAYS = 60


def find_cpr(data: bytes) -> int | None:
    """Return where the first CPR number in UTF-8 `data` begins, or None."""
    if not _may_hold(data):
        return None
    for match in NUMBER.finditer(data):
        if _is_date(int(match.group(1)), int(match.group(2))) and not _inside_key(data, match):
            return match.start()
    return None


def _may_hold(data: bytes) -> bool:
    """Return whether six digits stand before four, with nothing or the first byte of a separator between."""
    import numpy as np

    text = np.frombuffer(data, np.uint8)
    for at in range(0, len(text), PIECE):
        piece = text[at : at + PIECE + LONGEST]
        is_digit = piece - ord("0") < 10  # bytes under "0" come round to large ones
        two = is_digit[1:] & is_digit[:-1]
        four = two[2:] & two[:-2]
        six = two[4:] & four[:-2]
        for separator in SEPARATORS:
            skip = 6 + len(separator)
            found = six[: max(len(four) - skip, 0)] & four[skip:]
            if separator and found.any():
                found &= piece[6 : 6 + len(found)] == separator[0]
            if found.any():
                return True
    return False


def holds_cpr(text: str) -> bool:
    return find_cpr(text.encode("utf-8", "replace")) is not None


def masked(name: str) -> str:
    """Return `name` with every digit hidden, for a message about a file whose name holds a CPR number."""
    return re.sub(r"\d", "#", name)


def _is_date(day: int, month: int) -> bool:
    day = day - REPLACEMENT_DAYS if day > REPLACEMENT_DAYS else day
    return 1 <= month <= 12 and 1 <= day <= MOST_DAYS[month - 1]


def _inside_key(data: bytes, match: re.Match[bytes]) -> bool:
    """Tell whether the digits lie inside a long key with letters (a hash, a UUID), where any digits can turn up."""
    start = max(0, match.start() - 200)
    for key in KEY.finditer(data, start, match.end() + 200):
        if key.start() <= match.start() and match.end() <= key.end():
            return re.search(rb"[A-Za-z]", key.group()) is not None
    return False
