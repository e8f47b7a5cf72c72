"""Reports as pictures: `python -m tests.browser.pictures [FOLDER]`, FOLDER a project with reports (default: demo).

Without reports there, a small demonstration is made. Each report is drawn by Chromium in a frame 1280 and 400 pixels
wide, without a network, and must not scroll sideways. Pictures are written to build/pictures.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
WIDTHS = (1280, 400)
TALLEST = 16_000
FEW_PERSONS = 6_000
SECONDS = 120
ABSENT = """no browser: none of {} is on the path; expected Chromium to draw the reports.
Install it: 'apt-get install chromium' on Debian, 'brew install chromium' on macOS; on Windows put the folder of
msedge.exe on the path."""
FRAME = """<!doctype html><meta charset="utf-8"><style>body{{margin:0}}iframe{{border:0;display:block}}</style>
<iframe width="{width}" height="{height}" srcdoc="{report}"></iframe>
<script>addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument.documentElement;
  document.documentElement.dataset.size = page.scrollWidth + "x" + page.scrollHeight;
}});</script>"""


def browser() -> str | None:
    """Return the first Chromium on the path."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def draw(program: str, report: Path, width: int, folder: Path) -> tuple[int, Path]:
    """Return the width that a report needs in a frame of `width`, and its picture; raise RuntimeError without one."""
    frame = folder / "frame.html"
    picture = PICTURES / f"{report.stem}-{width}.png"
    picture.unlink(missing_ok=True)
    content = html.escape(report.read_text(encoding="utf-8"))
    frame.write_text(FRAME.format(width=width, height=900, report=content), encoding="utf-8")
    seen = re.search(r'data-size="(\d+)x(\d+)"', _chromium(program, frame, folder, "--dump-dom"))
    if seen is None:
        raise RuntimeError(f"{report.name}: the browser did not load the report; expected its size. Open it by hand.")
    needed, tall = int(seen[1]), min(int(seen[2]), TALLEST)
    frame.write_text(FRAME.format(width=width, height=tall, report=content), encoding="utf-8")
    _chromium(program, frame, folder, f"--window-size={width},{tall}", f"--screenshot={picture}")
    if not picture.is_file():
        raise RuntimeError(f"{report.name}: the browser wrote no picture; expected {picture.name}. Draw it by hand.")
    return needed, picture


def _chromium(program: str, page: Path, folder: Path, *options: str) -> str:
    """Run Chromium on one page without a screen, a network or a profile; return what it prints."""
    fixed = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    )
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [program, *fixed, profile, *options, page.as_uri()], capture_output=True, timeout=SECONDS, check=False
    )
    return done.stdout.decode("utf-8", errors="replace")


def main() -> int:
    """Draw every report of a folder; return 1 when one scrolls sideways, 2 without a browser."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", nargs="?", type=Path, default=Path("demo"))
    folder = options.parse_args().folder
    program = browser()
    if program is None:
        print(ABSENT.format(", ".join(BROWSERS)), file=sys.stderr)
        return 2
    PICTURES.mkdir(parents=True, exist_ok=True)
    too_wide = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as spare:
        for report in _reports(folder, Path(spare)):
            for width in WIDTHS:
                needed, picture = draw(program, report, width, Path(spare))
                too_wide += needed > width
                verdict = "scrolls sideways" if needed > width else "fits"
                print(f"{report.name}: {width} px, needs {needed}: {verdict}. {picture.relative_to(ROOT)}", flush=True)
    return 1 if too_wide else 0


def _reports(folder: Path, spare: Path) -> list[Path]:
    """Return the reports of a project, or those of a small demonstration when it has none."""
    found = sorted((folder / "reports").glob("*.html"))
    if found:
        return found
    from evaluator.cli import main as evaluator

    print(f"{folder}: no reports; making a demonstration of {FEW_PERSONS:,} persons", flush=True)
    if evaluator(["demo", str(spare / "demo"), "--persons", str(FEW_PERSONS)]):
        raise RuntimeError("demo: stopped; expected reports. Read the message above.")
    return sorted((spare / "demo" / "reports").glob("*.html"))


if __name__ == "__main__":
    sys.exit(main())
