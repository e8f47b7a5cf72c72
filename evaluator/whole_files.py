"""Write files whole or not at all: a disk that fills up leaves what was there before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Write all of the files beside where they belong, then put them there; when one cannot be written, none changes.

    Raises what the system raises.
    """
    parts = {path: path.with_name(path.name + ".part") for path in files}
    try:
        for path, data in files.items():
            parts[path].write_bytes(data)
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
