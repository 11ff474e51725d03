"""Every file that has a name is opened by ``features.files``, or listed here with the reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ui", "engine", "alignment", "features")

METHODS = {
    "open",
    "read_text",
    "read_bytes",
    "load_file",
    "is_zipfile",
    "imread",
    "from_pretrained",
}
FUNCTIONS = {"open", "safe_open", "load_file"}
DOTTED = {
    "tomllib.load",
    "tomllib.loads",
    "json.load",
    "json.loads",
    "sqlite3.connect",
    "torch.load",
    "np.load",
    "np.loadtxt",
    "np.fromfile",
    "fileinput.input",
}

CHECKED = "looked at by check_regular right before"
OURS = "text that we have written ourselves a moment ago, or a file of the package"
IMAGE = "looked at by features.image_files before"
WRITTEN = "made by us, and never there before"
ALLOWED: dict[tuple[str, str], str] = {
    ("features/files.py", "os.open"): "this is the place",
    ("features/files.py", "json.loads"): "this is the place",
    ("features/files.py", "tomllib.loads"): "this is the place",
    ("features/image_files.py", "Pillow.open"): "looks at the entry itself before it opens it",
    ("features/image_files.py", "path.open"): "looks at the entry itself before it opens it",
    ("features/pillow_files.py", "np.fromfile"): IMAGE,
    ("features/pillow_files.py", "path.open"): IMAGE,
    ("features/pillow_files.py", "self.path.open"): IMAGE,
    ("features/pillow_files.py", "self.path.read_bytes"): IMAGE,
    ("features/raw_files.py", "rawpy.imread"): IMAGE,
    ("features/tiff_files.py", "Pillow.open"): IMAGE,
    ("features/tiff_files.py", "self.path.open"): IMAGE,
    ("features/tiff_pixels.py", "Pillow.open"): "bytes in memory",
    ("features/config_fields.py", "json.loads"): OURS,
    ("features/sam/checkpoint.py", "load_file"): CHECKED,
    ("features/sam/checkpoint.py", "torch.load"): CHECKED,
    ("features/sam/checkpoint.py", "zipfile.is_zipfile"): CHECKED,
    ("features/vit/network.py", "transformers.AutoModel.from_pretrained"): CHECKED,
    ("features/weights/checksums.py", "safe_open"): CHECKED,
    ("features/weights/download.py", "part.open"): "the folder is ours while it is locked",
    ("features/weights/importing.py", "torch.load"): CHECKED,
    ("features/weights/importing.py", "zipfile.is_zipfile"): CHECKED,
    ("features/temporary_files.py", "os.open"): WRITTEN,
    (
        "features/temporary_files.py",
        "path.open",
    ): "a temporary of ours, to see whether it is locked",
    ("features/temporary_files.py", "read_bytes"): "Linux's number of this start of the machine",
    ("features/weights/store.py", "path.open"): "a copy that we have made in our staging folder",
    ("engine/atomic.py", "open"): "a pipe or device to write into, as somebody asked for",
    ("engine/cli/failures.py", "os.open"): "the null device",
    ("engine/cli/ui_server.py", "webbrowser.open"): "an address of our own server",
    ("engine/cli/ui_server.py", "opener.open"): "an address of our own server",
    ("engine/cli/ui_server.py", "theme.read_text"): OURS,
    ("engine/cli/ui_server.py", "tomllib.loads"): OURS,
    ("engine/library/connection.py", "_MOUNTS.read_text"): "Linux's list of mounts",
    ("engine/library/connection.py", "sqlite3.connect"): CHECKED,
    ("engine/model_file.py", "json.loads"): OURS,
    ("engine/model_file.py", "safe_open"): "opened and looked at for its first bytes right before",
    ("engine/regions/siamese.py", "load_file"): CHECKED,
    ("engine/station/connection.py", "sqlite3.connect"): CHECKED,
    ("ui/bench_page/gallery.py", "json.loads"): OURS,
    ("ui/components.py", "read_text"): OURS,
    ("ui/images.py", "Pillow.open"): "looked at by image_size right before, or bytes in memory",
}


def name_of(node: ast.AST) -> str | None:
    """The name by which something is opened or parsed, or handed on to be; else None."""
    if isinstance(node, ast.Attribute) and ast.unparse(node) in DOTTED:
        return ast.unparse(node)
    if not isinstance(node, ast.Call):
        return None
    call, name = node, ast.unparse(node.func)
    if name in FUNCTIONS or name in DOTTED:
        return name
    if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
        return name if len(name) < 60 and "(" not in name else call.func.attr
    return None


def found_in(module: Path) -> set[tuple[str, str]]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    names = map(name_of, ast.walk(tree))
    return {(module.relative_to(ROOT).as_posix(), name) for name in names if name}


def everything() -> set[tuple[str, str]]:
    modules = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return set().union(*map(found_in, modules))


def test_files_are_opened_in_one_place() -> None:
    strays = sorted(everything() - ALLOWED.keys())
    assert not strays, "open these by features.files, or list them with the reason"


def test_what_is_listed_is_there() -> None:
    assert not sorted(ALLOWED.keys() - everything())


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("open(path)", "open"),
        ("path.open('rb')", "path.open"),
        ("(folder / 'a').read_text()", "read_text"),
        ("Path(name).read_bytes()", "read_bytes"),
        ("json.loads(text)", "json.loads"),
        ("sqlite3.connect(path)", "sqlite3.connect"),
        ("parsed(tomllib.loads)", None),
        ("tomllib.loads", "tomllib.loads"),
        ("with_open(path)", None),
        ("read_text(path)", None),
        ("open_regular(path, max_bytes=1)", None),
    ],
)
def test_what_counts_as_opening(line: str, name: str | None) -> None:
    assert name_of(ast.parse(line, mode="eval").body) == name
