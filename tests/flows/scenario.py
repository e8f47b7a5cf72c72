"""Three nights in one project: a file that is refused half-way, the corrected file, and a night without news.

Run as a process of its own, since Prefect reads its settings when it is imported. Prints the outcome as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

from flows.evaluate import evaluate
from flows.nightly import nightly

SPEC = "specs/sanktioner.toml"


def outcome(state: Any, project: Path) -> dict[str, Any]:
    """Return what a night left: its state and the files in the reports folder."""
    return {
        "state": state.type.value,
        "message": state.message,
        "reports": sorted(path.name for path in (project / "reports").iterdir()),
    }


def main(project: Path) -> None:
    last = project / "extracts" / "ydelser.csv"  # the last by name: the others are loaded before it is refused
    delivered = last.read_bytes()
    nights = {}
    last.write_bytes(delivered.replace(b"ydelseskode", b"kode_ydelse", 1))
    nights["refused"] = outcome(evaluate(str(project), SPEC, return_state=True), project)
    last.write_bytes(delivered)
    nights["corrected"] = outcome(evaluate(str(project), SPEC, return_state=True), project)
    nights["no news"] = outcome(nightly(str(project), return_state=True), project)
    print(json.dumps(nights))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
