"""A project folder: made, opened, and refused with file and line."""

import os

import pytest

from evaluator.errors import ProjectError
from evaluator.project import FOLDERS, Project, Settings, line_of


def test_a_new_project_has_its_folders_and_default_settings(tmp_path):
    project = Project.create(tmp_path / "projekt")
    assert sorted(path.name for path in project.root.iterdir()) == [
        ".gitignore",
        "evaluator.toml",
        "extracts",
        "mapping.toml",
        "reports",
        "specs",
        "store",
    ]
    assert project.settings == Settings() == Project.open(project.root).settings
    assert project.database == project.root / "store" / "evaluator.duckdb"


def test_an_example_project_holds_the_register_and_the_specs(tmp_path):
    project = Project.create(tmp_path / "projekt", example=True)
    assert (project.extracts / "personer.csv").is_file()
    assert (project.specs / "trappe.toml").is_file()


def test_an_example_project_holds_only_specs_that_its_register_can_answer(tmp_path):
    project = Project.create(tmp_path / "projekt", example=True)
    assert sorted(path.stem for path in project.specs.iterdir()) == ["horsens", "sanktioner", "trappe"]
    with (project.extracts / "indsats.csv").open("a", encoding="utf-8") as starts:
        starts.write("740;;2015-01-01;;silkeborg-investering;70;35;1000000;alle\n")
    project.add_example_specs()
    assert (project.specs / "silkeborg.toml").is_file()


def test_a_folder_without_settings_is_no_project(tmp_path):
    with pytest.raises(ProjectError, match=r"not a project; expected a folder with evaluator\.toml"):
        Project.open(tmp_path)


def test_a_project_is_never_made_over_another(tmp_path):
    Project.create(tmp_path / "projekt")
    with pytest.raises(ProjectError, match="is a project already"):
        Project.create(tmp_path / "projekt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[store]\nmemory = '1GB'\n", r"evaluator\.toml:2: unknown key 'memory' in \[store\]; expected memory_limit"),
        ("# note\n\n[storage]\nthreads = 2\n", r"evaluator\.toml:3: unknown key 'storage'"),
        ("threads = 2\n", r"evaluator\.toml:1: unknown key 'threads'"),
        ("[store]\n\nthreads = 0\n", r"evaluator\.toml:3: threads .* whole number of at least 1"),
        ("[store]\nmemory_limit = 2\n", r"evaluator\.toml:2: memory_limit .* amount of memory"),
        ("[store]\nmemory_limit = '90MB'\n", r"evaluator\.toml:2: memory_limit .* at least 100MB"),
        ("[data]\nmax_rejected_share = 5\n", r"evaluator\.toml:2: max_rejected_share .* share from 0 to 1"),
        ("[data]\nwage_final_after_months = 1.5\n", r"evaluator\.toml:2: wage_final_after_months"),
        ("[store]\nthreads = = 2\n", r"evaluator\.toml:2: .*expected TOML"),
    ],
)
def test_a_wrong_setting_is_refused_with_file_and_line(tmp_path, text, message):
    project = Project.create(tmp_path / "projekt")
    (project.root / "evaluator.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=message):
        Project.open(project.root)


def test_settings_are_read_from_the_file(tmp_path):
    project = Project.create(tmp_path / "projekt")
    text = '\ufeff[store]\nmemory_limit = "500MB"\nthreads = 1\n[data]\nwage_final_after_months = 3\n'
    (project.root / "evaluator.toml").write_text(text, encoding="utf-8")
    assert Project.open(project.root).settings == Settings("500MB", 1, 3)


def test_paths_stay_inside_the_project(tmp_path):
    project = Project.create(tmp_path / "projekt")
    assert project.inside("specs/a.toml") == project.specs / "a.toml"
    for path in ("../other.toml", "specs/../../other.toml", tmp_path / "other.toml"):
        with pytest.raises(ProjectError, match="leads out of the project"):
            project.inside(path)


@pytest.mark.parametrize(
    ("table", "key", "line"), [("a", "", 2), ("a", "x", 3), ("a.b", "y", 5), ("c", "", 6), ("c", "z", 7), ("", "w", 1)]
)
def test_keys_are_found_by_line(table, key, line):
    assert line_of("w = 1\n[a]\nx = 1\n[a.b]\ny = 2\n[[c]]\nz = 3\n", table, key) == line


@pytest.mark.skipif(os.name != "posix", reason="the system has no file modes")
def test_the_folders_of_a_new_project_are_the_owners_alone(tmp_path):
    project = Project.create(tmp_path / "p")
    assert {(project.root / name).stat().st_mode & 0o077 for name in FOLDERS} == {0}
