"""What the documentation says is done here: its commands run, its examples work, its links lead somewhere."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.cli import _parser, main
from evaluator.extracts.contract import contracts
from evaluator.extracts.matching import read_mapping
from evaluator.spec_reading import parse_spec
from tests.docs.fences import DOCUMENTS, KINDS, ROOT, WRITTEN, Fence, fences, has_known_form, read

PROGRAM = re.compile(r"^(\.venv/bin/)?evaluator ")
TOO_LONG = ("demo",)
"""Commands whose words are parsed but which take minutes; `make demo` runs them."""


def _run(command: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Run one line of a shell; return what is wrong with it, if anything."""
    words = shlex.split(command)
    if words[0] == "cd":
        monkeypatch.chdir(words[1])
        return None
    if words[1:4] == ["-m", "pip", "install"] and words[-1].startswith("./"):
        return _installed(words[4:], monkeypatch)
    if not PROGRAM.match(command):
        return None if has_known_form(command) else "is of no known form"
    if words[1] in TOO_LONG:
        return None if _parser().parse_args(words[1:]) else "cannot be parsed"
    code = main(words[1:])
    return None if code == 0 else f"ends with exit code {code}"


def _installed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Install a package of an example where only this test sees it; return what went wrong, if anything."""
    place = Path.cwd() / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--target", str(place), *words]
    done = subprocess.run(pip, capture_output=True, text=True)
    monkeypatch.syspath_prepend(place)
    return None if done.returncode == 0 else f"cannot be installed: {done.stderr}"


def _written(fence: Fence) -> None:
    """Put a block that names its file where the document says that it stands."""
    path = Path(fence.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(fence.text, encoding="utf-8")


def _answers(reports: Path) -> dict[str, str]:
    """Return the kind of answer of each report on a spec."""
    assert len(list(reports.glob("*.html"))) == len(list(reports.glob("*.json")))
    told = [json.loads(path.read_text(encoding="utf-8"))["run"] for path in reports.glob("*-*.json")]
    return {run["name"]: run["answer_kind"] for run in told}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_shell_and_python_examples_of_a_document_run_in_order(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for fence in fences(document):
        if fence.file:
            _written(fence)
        elif fence.kind == "python":
            exec(compile(fence.text, f"{document}:{fence.line}", "exec"), names)
        for command in fence.commands if fence.kind == "sh" else ():
            wrong = _run(command, monkeypatch)
            assert wrong is None, f"{document}:{fence.line}: '{command}' {wrong}\n{capsys.readouterr().err}"
    if document == "README.md":
        assert _answers(tmp_path / "example/reports") == {"horsens": "refused", "sanktioner": "association"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_fence_says_what_it_holds(document: str) -> None:
    assert [fence.line for fence in fences(document) if fence.kind not in KINDS] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_windows_lines_have_the_form_of_what_they_call(document: str) -> None:
    wrong = [
        command
        for fence in fences(document)
        if fence.kind == "powershell"
        for command in fence.commands
        if "evaluator" not in command and not has_known_form(command)
    ]
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_call_of_the_program_outside_a_shell_can_be_parsed(document: str) -> None:
    held = [fence.text for fence in fences(document) if fence.kind in ("powershell", "text")]
    calls = [call for text in held for call in re.findall(r"evaluator(?:\.exe)? ([a-z][^>'\n]*)", text)]
    for call in calls:
        _parser().parse_args(call.replace("\\", "/").split())


@pytest.mark.parametrize("document", WRITTEN)
def test_every_command_named_in_a_sentence_exists(document: str) -> None:
    known = set(re.findall(r"^    (\w+) ", _parser().format_help(), re.MULTILINE))
    assert set(re.findall(r"`evaluator (\w+)", read(document))) <= known


@pytest.mark.parametrize("document", WRITTEN)
def test_every_link_leads_to_a_file(document: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", read(document))
    inside = [link for link in links if not link.startswith("http")]
    assert [link for link in inside if not ((ROOT / document).parent / link).exists()] == []


def _settings(document: str) -> list[Fence]:
    return [fence for fence in fences(document) if fence.kind == "toml" and not fence.file]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_settings_example_is_accepted(document: str, tmp_path: Path) -> None:
    for fence in _settings(document):
        if "[evaluation]" in fence.text:
            assert parse_spec(fence.text, document).primary.primary
        else:
            mapping = tmp_path / "mapping.toml"
            mapping.write_text(fence.text, encoding="utf-8")
            assert read_mapping(mapping)


def test_the_table_of_extracts_names_every_column_of_every_contract() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", read("README.md"), re.MULTILINE)
    told = {name: tuple(columns.strip().split(", ")) for name, columns in rows}
    assert told == {c.name: tuple(column.name for column in c.columns) for c in contracts()}
