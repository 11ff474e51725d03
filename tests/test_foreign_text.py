"""File names and other foreign text leave the house by few doors, each of which makes it safe.

What the doors do is tested beside them; here it is tested that there are no others.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from engine.station.records import DiskFullError
from features.errors import UserError
from features.files import FileError

ROOT = Path(__file__).parents[1]
PACKAGES = ("ui", "engine", "alignment", "features")
MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
)

TERMINAL = "engine/cli/terminal.py"
FAILURES = "engine/cli/failures.py"  # words of its own, when nothing else can be printed
NAMES = "features/names.py"

# who may call what; no other module may
ALLOWED = {
    "click.echo": {TERMINAL, FAILURES},
    "click.secho": {TERMINAL},
    "click.style": {TERMINAL},
    "click.prompt": {TERMINAL},
    "click.confirm": {TERMINAL},
    "print": set(),
    "sys.stdout.write": set(),
    "sys.stderr.write": set(),
    # rich takes [square brackets] for markup
    "Console": {TERMINAL, "engine/benchmark/text_report.py"},
    "table.add_row": {TERMINAL, "engine/benchmark/text_report.py"},
    "csv.writer": {NAMES},
    "csv.DictWriter": set(),
    "Environment": {"engine/rendering/html_report.py"},
    "logging.basicConfig": {NAMES},
    # these raise a RuntimeError for links in a circle and users without a home
    "*.expanduser": {
        NAMES,
        "engine/library/connection.py",
        "features/weights/locations.py",
        "features/weights/store.py",
    },
    "*.resolve": set(),
    "Path.home": set(),
}
# files of our own that only we read, and texts about values; all others are written by json_text
JSON_OF_OUR_OWN = {
    NAMES,
    "engine/benchmark/defects.py",  # a value in a message
    "engine/benchmark/html_report.py",  # settings on a page, which escapes them
    "engine/benchmark/regions/report.py",
    "engine/benchmark/journal.py",
    "engine/library/serialization.py",
    "engine/model_file.py",
    "engine/station/entries.py",
    "engine/station/jobs.py",
    "engine/station/queue.py",
    "engine/station/results.py",
    "engine/synthetic/scenes/writer.py",
    "features/config_fields.py",
    "features/weights/sidecar.py",
    "ui/bench_page/gallery.py",
    "ui/parts_page/state.py",
}


@cache
def calls(module: str) -> list[tuple[int, str]]:
    """Line and name of all that a module calls, or hands on."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    named = [each for each in ast.walk(tree) if isinstance(each, ast.Attribute | ast.Name)]
    return [(each.lineno, _name(each)) for each in named]


def _name(node: ast.expr) -> str:
    """Write ``a.b`` as it is, and ``b`` of anything else as ``?.b``."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def is_meant(name: str, pattern: str) -> bool:
    if pattern.startswith("*"):
        # os.path's own raises nothing; a component of the page is no path
        return name.endswith(pattern[1:]) and not name.startswith("os.path.")
    return name == pattern


@pytest.mark.parametrize("pattern", ALLOWED)
def test_foreign_text_takes_no_way_around(pattern):
    found = {
        f"{module}:{line} {name}"
        for module in MODULES
        if module not in ALLOWED[pattern]
        for line, name in calls(module)
        if is_meant(name, pattern)
    }
    assert not found, "use features.names and engine.cli.terminal instead"


def test_json_for_others_is_written_by_one_function():
    found = {
        module
        for module in MODULES
        for _, name in calls(module)
        if name in ("json.dumps", "json.dump")
    }
    assert found <= JSON_OF_OUR_OWN, "use features.names.json_text, or say who reads it"


def imported(module: str) -> set[str]:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    plain = {
        each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names
    }
    return plain | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize(
    ("library", "doors"),
    [("csv", {NAMES}), ("jinja2", {"engine/rendering/html_report.py"})],
)
def test_a_library_that_writes_has_one_door(library, doors):
    assert {module for module in MODULES if library in imported(module)} == doors


def test_no_page_is_written_by_hand():
    marks = ("unsafe_allow_html", "unsafe_allow_javascript", "| safe }}")
    allowed = {"engine/templates/bench.html.j2", "engine/templates/bench_regions.html.j2"}
    files = [*MODULES, *(p.relative_to(ROOT).as_posix() for p in ROOT.glob("engine/templates/*"))]
    found = {
        each for each in files if any(mark in (ROOT / each).read_text("utf-8") for mark in marks)
    }
    assert found <= allowed  # charts, which escape their words themselves


def all_kinds(kind: type[UserError]) -> Iterator[type[UserError]]:
    for each in kind.__subclasses__():
        yield each
        yield from all_kinds(each)


def in_full_folder(text: str) -> DiskFullError:
    return DiskFullError(Path(text))


FOREIGN = "a\nb\x1b\udce9\u202e  c"


def test_every_error_for_users_is_one_line_of_visible_letters():
    for module in MODULES:
        if "UserError" in (ROOT / module).read_text(encoding="utf-8"):
            importlib.import_module(module.removesuffix(".py").replace("/", "."))
    kinds = [each for each in all_kinds(UserError) if each.__module__.split(".")[0] in PACKAGES]
    assert len(kinds) >= 11
    for kind in kinds:
        made = {FileError: lambda text: FileError("no", text), DiskFullError: in_full_folder}
        said = str(made.get(kind, kind)(FOREIGN))
        assert r"a\nb\x1b\xe9\u202e  c" in said, f"{kind} must have UserError as first base"
