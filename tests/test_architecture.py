"""What docs/architecture.md says of layers and files is compared with contracts and tree."""

import re
import runpy
import tomllib
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
PICTURE = DOCS / "architecture.svg"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]


def layers():
    """Give the layers of the contracts from the top down, those of the engine in its place."""
    packages, engine = (each["layers"] for each in CONTRACTS if each["type"] == "layers")
    for package in packages:
        yield package
        if package == "engine":
            for layer in engine:
                # the modules of the package itself are one layer
                yield from ["root"] if ":" in layer else layer.split(" | ")[::-1]


def rows(title):
    """Give the cells of the table under a heading."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def words(kind):
    """Texts of one kind in the picture, from the top down."""
    found = ElementTree.parse(PICTURE).iter("{http://www.w3.org/2000/svg}text")
    return [each.text for each in found if each.get("class") == kind]


def test_layers_are_those_of_the_contracts():
    named = [name.strip("`") for name, _ in rows("Layers")]
    assert named == list(layers())


def test_the_picture_shows_the_same_layers():
    shown = [*words("layer"), *words("package")]
    assert sorted(shown) == sorted(set(layers()) - {"__main__"})
    from_top = [name for name in words("layer") if name != "synthetic"]
    assert from_top == [
        name for name in layers() if name not in ("engine", "__main__", "synthetic")
    ]


def test_the_picture_is_what_its_script_draws():
    drawn = runpy.run_path(str(DOCS / "architecture.py"))["picture"]()
    assert PICTURE.read_text(encoding="utf-8") == "\n".join(drawn) + "\n"


def test_the_way_of_an_image_is_told_as_it_is_drawn():
    steps = [step for step, _, _ in rows("The way of an image")]
    assert steps == [f"{n} {name}" for n, name in enumerate(words("step"), 1)]


def test_files_lie_in_the_layers_in_which_they_are_drawn():
    way = runpy.run_path(str(DOCS / "architecture.py"))["WAY"]
    for (_, layer), (step, _, where) in zip(way, rows("The way of an image"), strict=True):
        folder = {"root": "engine"}.get(layer, layer)
        folder = folder if (ROOT / folder).is_dir() else f"engine/{folder}"
        assert f"(../{folder}" in where, step


def test_every_file_is_there_and_holds_what_is_said_of_it():
    links = re.findall(r"\]\((\.\./[^)]+)\)(?:: `(\w+)`)?", PAGE)
    assert len(links) > 50
    for link, name in links:
        path = DOCS / link
        assert path.exists(), link
        if name:
            assert re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")), f"{link}: {name}"


def test_the_page_is_one_page():
    assert len(PAGE.splitlines()) <= 90
