"""Every example of README and docs is run as it stands, with images under the names it uses.

What they say of names, links, options, settings and figures is compared with what there is.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from engine import Config, config
from engine.benchmark import find_categories
from engine.cli.failures import EXIT_CODES
from engine.cli.main import cli
from engine.scores import SCORES
from engine.synthetic.scenes import render, write_scenes

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES}
README = TEXTS["README.md"]
ALL = "\n".join(TEXTS.values())
# run by test_walkthrough.py, one after the other, and, where there is a hub, by
# features/weights/test_download_examples.py
RUN_ELSEWHERE = ("docs/walkthrough.md", "docs/foundation.md")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language, pages=PAGES):
    return [text for page in pages for name, text in BLOCK.findall(TEXTS[page]) if name == language]


def examples(language):
    """The blocks of all pages as parameters that are called after their page."""
    named = [(page, text) for page in PAGES for text in blocks(language, [page])]
    return [pytest.param(text, id=f"{page}-{n}") for n, (page, text) in enumerate(named)]


def code_of(page):
    """All lines of code of a page, in blocks and within sentences; lines that go on are joined."""
    in_blocks = "\n".join(text for _, text in BLOCK.findall(TEXTS[page]))
    inline = re.findall(r"`([^`]+)`", BLOCK.sub("", TEXTS[page]))
    return [*in_blocks.splitlines(), *(text.replace("\n", " ") for text in inline)]


def table(page, first):
    """Rows of the table of a page whose head begins like this, as lists of cells."""
    rows = TEXTS[page].partition(f"\n| {first} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """What the examples call good, more-good, new, data and board.pw."""
    root = tmp_path_factory.mktemp("photos")
    names = [f"good/{number}.png" for number in range(4)]
    for seed, name in enumerate([*names, "more-good/4.png", "new/board.png", "new/other.png"]):
        photo = Image.fromarray(render("cable", np.random.default_rng(seed)).image)
        if name == "new/board.png":
            photo.paste("red", (160, 100, 260, 200))
        (root / name).parent.mkdir(exist_ok=True)
        photo.save(root / name)
    write_scenes(
        root / "data",
        categories=["cable"],
        n_train=4,
        n_validation=0,
        n_good=2,
        n_logical=2,
        n_structural=1,
    )
    fit = [sys.executable, "-m", "engine", "fit", "good", "-o", "board.pw"]
    subprocess.run(fit, cwd=root, capture_output=True, check=True)
    return root


@pytest.fixture
def run(photos, tmp_path):
    """Run a program in a folder with all these; gives what it printed."""

    def run(*command):
        folder = tmp_path / "work"
        shutil.copytree(photos, folder)
        here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        ended = subprocess.run(
            command, cwd=folder, env=os.environ | {"PATH": here}, capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    return run


# Examples


@pytest.mark.parametrize("text", examples("python"))
def test_python_examples_run(run, text):
    assert run(sys.executable, "-W", "error", "-c", text)


@pytest.mark.parametrize(
    "text",
    [
        each
        for each in examples("sh")
        if not each.id.startswith(RUN_ELSEWHERE) and not each.values[0].startswith("make ")
    ],
)
def test_commands_run(run, text):
    printed = run("bash", "-euo", "pipefail", "-c", text)
    assert "Traceback" not in printed
    if "--fail-on-anomaly" in text:
        assert "exit code 3" in printed


def test_all_code_is_of_a_language_that_is_checked():
    languages = {name for page in PAGES for name, _ in BLOCK.findall(TEXTS[page])}
    # without a name: what a benchmark printed
    assert languages == {"sh", "python", "toml", "text", ""}
    assert [page for page in PAGES if "" in dict(BLOCK.findall(TEXTS[page]))] == ["docs/results.md"]
    for page in PAGES:
        assert TEXTS[page].count("```") == 2 * len(BLOCK.findall(TEXTS[page])), page


@pytest.mark.parametrize("text", examples("toml"))
def test_config_examples_are_sound_and_change_something(text):
    assert config.from_dict(tomllib.loads(text)) != Config()


@pytest.mark.parametrize("layout", ["in all three", "MVTec LOCO AD, besides", "MVTec AD, besides"])
def test_layouts_of_data_are_read(tmp_path, layout):
    block = next(text for text in blocks("text") if "CATEGORY/" in text)
    wanted, n_masks = "", 0
    for line in block.splitlines():
        path, _, said = line.partition("  ")
        wanted = said.strip() or wanted
        if wanted not in ("in all three", layout):
            continue
        path = path.replace("CATEGORY", "cable").replace("DEFECT", "bent").replace("ID", "000")
        file = tmp_path / path.replace("*", "000")
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".json":
            file.write_text("[]", encoding="utf-8")
        else:
            Image.new("L", (32, 32)).save(file)
        n_masks += "ground_truth" in path
    (category,) = find_categories(tmp_path)
    assert category.name == "cable"
    assert [len(sample.masks) for sample in category.test if sample.is_anomalous] == [n_masks]
    assert bool(category.validation) == (layout == "MVTec LOCO AD, besides")
    assert n_masks == (layout != "in all three")


# Commands and options


def test_every_command_is_shown():
    shown = "\n".join(blocks("sh"))
    for name in (
        *("fit", "score", "explain", "bench", "bench-compare", "info", "weights"),
        *("classes", "region", "station"),
    ):
        assert f"partwise {name} " in shown
    assert "`demo`" in TEXTS["docs/commands.md"]
    assert "partwise ui" in README
    for name in cli.commands:
        assert f"partwise {name}" in ALL or f"`{name}`" in ALL


@pytest.mark.parametrize("page", [page for page in PAGES if "partwise " in TEXTS[page]])
def test_commands_have_the_options_that_pages_use(page):
    called = [
        words
        for line in code_of(page)
        for words in re.findall(r"\bpartwise ([a-z][a-z-]*(?: [^|&#;`]*)?)", line)
    ]
    assert called
    for words in called:
        command, given = cli, words.split()
        while isinstance(command, click.Group) and given:
            if given[0] not in command.commands:
                pytest.fail(f"partwise {words}: there is no {given[0]}")
            command = command.commands[given.pop(0)]
        has = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        used = {word for word in given if re.fullmatch(r"--?[a-z][a-z-]*", word)}
        assert used <= has | {"--help"}, words


def test_options_in_sentences_are_those_of_a_command():
    def options_of(command):
        own = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        return own.union(*map(options_of, getattr(command, "commands", {}).values()))

    # of benchmarks/*.py, read below
    known = options_of(cli) | {"--help", "--scenes", "--references", "--images", "--expected"}
    for page in PAGES:
        for code in re.findall(r"`(--?[a-z][^`]*)`", BLOCK.sub("", TEXTS[page])):
            assert code.split()[0] in known, f"{page}: {code}"


def test_the_options_of_the_app_are_those_it_has():
    page = TEXTS["docs/app.md"]
    has = {option for each in cli.commands["ui"].params for option in each.opts}
    assert set(re.findall(r"(--(?:host|root|station|library|oidc|password-\w+))", page)) <= has
    assert {"--host", "--root", "--station", "--library", "--password-file", "--oidc"} <= has


def test_make_has_the_targets():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    code = "\n".join(line for page in PAGES for line in code_of(page))
    targets = set(re.findall(r"\bmake (\w+)", code))
    assert targets == {"app", "demo", "test", "bench"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "make demo" in README
    assert "make test" in README


def test_benchmarks_have_the_options_that_pages_use():
    called = re.findall(r"\bbenchmarks/(\w+\.py)([^`\n]*)", ALL)
    assert len({name for name, _ in called}) > 8
    for name, words in called:
        script = (ROOT / "benchmarks" / name).read_text(encoding="utf-8")
        for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", words):
            assert f'"{option}"' in script, f"{name}{words}"


def test_what_pages_import_is_there():
    imports = re.findall(r"\bfrom ((?:engine|features|alignment|ui)[\w.]*) import ([\w, ]+)", ALL)
    assert len(imports) > 5
    for module, names in imports:
        for name in names.split(","):
            assert hasattr(import_module(module), name.split()[0]), f"{module}: {name}"


# Links and names


def anchors(page):
    """Names of the headings of a page, as they are linked to."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", TEXTS[page]), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", [*PAGES, "CHANGELOG.md"])
def test_what_is_linked_is_there(name):
    path = ROOT / name
    for link, anchor in re.findall(
        r"\]\(([^)#:]*)(?:#([^)]+))?\)", path.read_text(encoding="utf-8")
    ):
        target = path.parent / link if link else path
        assert target.exists(), link
        if anchor:
            page = target.resolve().relative_to(ROOT.resolve()).as_posix()
            assert anchor in anchors(page), f"{link}#{anchor}"


@pytest.mark.parametrize("name", PAGES)
def test_a_link_to_a_file_shows_its_path(name):
    links = re.findall(r"\[([\w\\/.]+\.py)\]\(([^)]+)\)", TEXTS[name])
    for shown, link in links:
        assert link.endswith(shown.replace("\\", "")), f"{shown} leads to {link}"


@pytest.mark.parametrize("name", PAGES)
def test_files_in_code_are_there(name):
    folders = "engine|features|alignment|ui|benchmarks|configs|tests|docs"
    for path in re.findall(rf"`(?:python )?((?:{folders})/[\w/.-]+\w)", TEXTS[name]):
        assert (ROOT / path).exists(), path


def test_every_page_is_linked_from_the_readme():
    for page in PAGES[1:]:
        assert f"]({page})" in README


# README


def test_the_first_screen_has_everything():
    lines = README.splitlines()
    first = "\n".join(lines[:22])
    assert lines[2].endswith(".")
    assert len(re.findall(r"[.:;](?:\s|$)", lines[2])) == 1  # one sentence
    for each in ("docs/report.jpg", "pip install partwise", "Inspector(", "partwise fit"):
        assert each in first
    python, shell = blocks("python")[0], blocks("sh")[0]
    assert python in first
    assert shell.rstrip() in first
    assert len(python.splitlines()) == 6
    assert len(shell.splitlines()) == 5


def test_the_readme_is_short_and_holds_only_what_everybody_needs():
    assert len(README.splitlines()) <= 120
    assert re.findall(r"^## (.+)$", README, re.MULTILINE) == [
        "The app",
        "How well it works",
        "To read",
    ]


def test_figures_of_the_readme_are_those_of_the_results():
    rows = table("README.md", "AUROC")
    assert len(rows) == 6
    results = TEXTS["docs/results.md"].splitlines()
    sets = {"board": "screws", "transistor": "transistor", "nut": "metal_nut", "mean": "mean"}
    sets |= {"coffee": "pod_green", "magnetic": "magtile"}
    for title, *figures in rows:
        name = sets[title.split()[0].rstrip(",")]
        row = next(row for row in results if re.match(rf"\| {name}[ †]*\|", row))
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        # after name, the figures of the total, and the best single score and how far behind
        assert figures == [cells[1], *cells[8:11]], title
    seconds = re.search(r"takes ([\d.]+) ms", README)
    assert f"{seconds[1]} ms an image (median)" in TEXTS["docs/results.md"]


def test_the_picture_is_small():
    assert (ROOT / "docs" / "report.jpg").stat().st_size < 400_000


# Settings


def test_presets_and_exit_codes_are_those_of_the_code():
    for preset in config.PRESETS:
        assert f"| `{preset}` |" in TEXTS["docs/config.md"]
    codes = re.findall(r"^  (\d+) ", EXIT_CODES, re.MULTILINE)
    assert codes == re.findall(r"^\| (\d+) \|", TEXTS["docs/commands.md"], re.MULTILINE)


def test_all_settings_and_sections_are_named():
    settings = {each.name: getattr(Config(), each.name) for each in fields(Config)}
    sections = {name: value for name, value in settings.items() if is_dataclass(value)}
    named = {name.strip("`"): default for name, default, _ in table("docs/config.md", "setting")}
    assert list(named) == [name for name in settings if name not in sections]
    for name, default in named.items():
        if "`" in default:
            assert json.loads(default.strip("`")) == settings[name]
    rows = table("docs/config.md", "section")
    assert [name for name, _, _ in rows] == [f"`[{name}]`" for name in sections]
    for (_, said, beside), (name, record) in zip(rows, sections.items(), strict=True):
        module = type(record).__module__.replace(".", "/").removesuffix("/__init__")
        assert f"(../{module}" in beside, name
        for inner in re.findall(rf"\[{name}\.(\w+)\]", said):
            assert is_dataclass(getattr(record, inner))


def test_old_names_are_those_that_are_read():
    rows = [[cell.strip("`").strip("[]") for cell in row] for row in table("docs/config.md", "old")]
    assert dict(rows) == config.NEW_NAMES


def test_the_method_names_every_score_and_gives_settings_their_defaults():
    text = TEXTS["docs/method.md"]
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == [each.name for each in SCORES]
    settings = re.findall(r'`([\w.]+) = ([\d.]+|"\w+")`', text)
    assert len(settings) > 20
    for name, value in settings:
        assert attrgetter(name)(Config()) == json.loads(value), name
