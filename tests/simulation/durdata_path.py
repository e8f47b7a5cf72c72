"""The whole path on durmod's simulated data against the peer's: `python -m tests.simulation.durdata_path FOLDER`.

FOLDER is golden/durdata with `data.csv` and `reference.json`. Takes a minute of processor time, so that the golden test
stops at four mass points. The table, `tests/simulation/durdata_path.csv`, is committed.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import polars as pl

from evaluator.estimators.mixed_hazards.frame import Columns
from evaluator.estimators.mixed_hazards.mass_points import Search
from evaluator.estimators.timing_of_events import Setting, TimingOfEvents, timing_of_events

TABLE = Path(__file__).with_suffix(".csv")
SEARCH = Search(points=13, starts=8)
TOLERANCE = 1e-3


def main() -> None:
    """Write the table; exit with 1 where the log-likelihood is under the peer's."""
    folder = Path(sys.argv[1])
    stored = json.loads((folder / "reference.json").read_text(encoding="utf-8"))
    peer = {fit["npoints"]: fit["loglik"] for name, fit in stored["loglik_path"].items() if name != "nullmodel"}
    again = stored["measured_rerun"]["fits"]["iter4"]
    peer[4] = max(peer[4], again["loglik"])
    found = timing_of_events(
        pl.read_csv(folder / "data.csv"),
        exits=("job",),
        treatments={"program": ("alpha",)},
        covariates=("x1", "x2"),
        columns=Columns("id", "duration", "d", state="state"),
        setting=Setting(risk_sets={"unemp": ("job", "program"), "onprogram": ("job",)}, search=SEARCH),
    )
    assert isinstance(found, TimingOfEvents), found
    rows = []
    for fit in found.path:
        effect = fit.estimate("job.alpha")
        rows.append(
            {
                **{"mass_points": fit.number, "log_likelihood": f"{fit.log_likelihood:.6f}"},
                "peer": f"{peer[fit.number]:.6f}" if fit.number in peer else "",
                **{"left_to_gain": f"{fit.left:.6g}", "has_converged": fit.has_converged},
                **{name: f"{fit.criterion(name):.3f}" for name in ("aic", "bic", "hannan_quinn")},
                **{"effect": f"{effect.value:.6f}", "se": f"{effect.se:.6f}", "is_chosen": fit is found.chosen},
            }
        )
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(TABLE.read_text(encoding="utf-8"))
    under = [fit.number for fit in found.path if fit.log_likelihood < peer.get(fit.number, -1e99) - TOLERANCE]
    sys.exit(f"under the peer's with {under} mass points" if under else 0)


if __name__ == "__main__":
    main()
