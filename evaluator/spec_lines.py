"""Where a key of a TOML text stands, for messages with file and line."""

import re

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\"-]+)\s*\]\]?")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\"-]+)\s*=")


def line_of(text: str, section: str, key: str, index: int = 0) -> int:
    """Return the 1-based line of `key` in the `index`-th table called `section`.

    The section's own line when `key` is empty or absent, 1 when the section is absent.
    """
    seen, inside, found = -1, False, 1
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            inside = header.group(2).strip('"') == section
            seen += inside
            if inside and seen == index:
                found = number
        elif inside and seen == index and (match := _KEY.match(line)) and match.group(1).strip('"') == key:
            return number
    return found
