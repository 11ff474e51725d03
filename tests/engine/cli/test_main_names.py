"""Any file name through every command: no traceback, no line too many, nothing unseen.

``PARTWISE_NAMES=100 pytest tests/engine/cli/test_main_names.py`` tries more names.
"""

from __future__ import annotations

import csv
import html.parser
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from engine.cli.main import cli
from features.names import csv_cell, from_text, one_line, read_name

N_EXAMPLES = int(os.environ.get("PARTWISE_NAMES", "1"))
LONGEST = 230  # with what we append, a name has at most 255 bytes

PIECES = (
    *(
        b"\n",
        b"\r",
        b"\t",
        b"\x1b[31m",
        b"\x1b]0;x\x07",
        b"\x7f",
        b"\x00"[:0],
        b"\xe9",
        b"\xff\xfe",
    ),
    *(each.encode() for each in ("\u202e", "\u200b", "\u2028", "\x85", "\x9b", "\ufeff", "\u3164")),
    *(b"=1+1", b"+1", b"-1", b"@SUM(A1)", "＝1".encode(), b"'", b'"', b",", b";", b"\\", b"\\n"),
    *(b"<b>", b"&amp;", b"</script>", b"{{ 1 }}", b"[bold]x[/bold]", b":red[x]", b"$x$", b"`"),
    *(b" ", b"  ", "ü".encode(), "电".encode(), "👩\u200d🔧".encode(), b"$'x'", b"%s", b"~nobody"),
    *(b"a", b"normal    0.1  ok.png", b"\nnormal      0.075  ok.png", b"-", b"--help", b".", b"#"),
)
NAMES = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map(b"".join),
    st.binary(min_size=1, max_size=LONGEST),
).map(lambda name: name.replace(b"/", b"").replace(b"\0", b"")[:LONGEST])

# one of each kind, so that one example finds all members
UNSEEN = "\u202e\u200b\u2028\x9b".encode()
ALL_AT_ONCE = b"=1\r\xe9\x1b[31m" + UNSEEN + b"<b>[bold]x'\"\\n$`\nnormal      0.075  ok.png"
ALL_BUT_BYTES = ALL_AT_ONCE.replace(b"\xe9", b"")


@dataclass(frozen=True)
class Place:
    """A folder for one example; everything in it bears the name."""

    folder: Path
    name: str
    plates: Path
    base: Path
    library: Path
    config: Path

    def path(self, ending: str = "") -> str:
        return str(self.folder / (self.name + ending))

    def image(self, which: str = "good") -> str:
        path = self.path(".png")
        shutil.copy(self.plates / "new" / f"{which}.png", path)
        return path

    def images(self, *which: str) -> str:
        folder = Path(self.path())
        folder.mkdir(exist_ok=True)
        for each in which or ("good", "red1"):
            shutil.copy(self.plates / "new" / f"{each}.png", folder / f"{self.name}{each}.png")
        return str(folder)

    def model(self) -> str:
        path = self.path(".pw")
        if not os.path.exists(path):
            shutil.copy(self.base, path)
        return path

    def taught(self) -> str:
        """A model with a library of one lesson, which a name in it has nothing to do with."""
        shutil.copy(self.library, self.path(".regions.db"))
        return self.model()

    def told(self) -> str:
        """A model with a library whose image, author and note bear the name."""
        model = self.model()
        words = ("--box", "31,31,50,50", "--class", "red", "--accepted", "--author", self.name)
        run("region", "teach", model, self.image("red1"), *words, "--note", self.name)
        return model

    def station(self) -> str:
        folder = self.path(".station")
        run("station", "add", folder, self.images(), "--model", self.model())
        return folder

    def root(self) -> str:
        """A data set whose category, kind of anomaly and images bear the name."""
        category = Path(self.path()) / (self.name + "c")
        for group, which in (("train/good", "good"), ("test/good", "good")):
            (category / group).mkdir(parents=True)
            shutil.copy(self.plates / "new" / f"{which}.png", category / group / f"{self.name}.png")
        (category / "test" / (self.name + "t")).mkdir()
        shutil.copy(
            self.plates / "new" / "red1.png", category / "test" / (self.name + "t") / "x.png"
        )
        return str(category.parent)

    def measured(self) -> str:
        path = self.path(".json")
        run("bench", self.root(), *self.small_bench(), "--json", path)
        return path

    def small_bench(self) -> tuple[str, ...]:
        return ("--shots", "1", "--seeds", "0", "-c", str(self.config))


Words = Callable[[Place], tuple[str, ...]]

# each command, and words for it that bear the name; outputs are named by their endings
CASES: dict[str, tuple[Words, ...]] = {
    "fit": (
        lambda at: (at.images(), "-o", at.path(".pw"), "-c", str(at.config)),
        lambda at: (at.path("none"), "-o", at.path(".pw")),
        lambda at: (at.image(), "-o", at.path("/none.pw")),
        lambda at: (at.image(), "-o", at.path(".pw"), "-c", at.path(".toml")),
        lambda at: (at.image(), "-o", at.path(".pw"), "--profile", at.name),
    ),
    "info": (
        lambda at: (at.model(),),
        lambda at: (at.model(), "--json"),
        lambda at: (at.image(),),
        lambda at: (at.path(),),
    ),
    "score": (
        lambda at: (at.model(), at.images(), "--csv", at.path(".csv")),
        lambda at: (at.model(), at.images(), "--jsonl"),
        lambda at: (at.model(), at.path("none"), at.image(), at.model()),
        lambda at: (at.model(), at.path("none"), at.model(), "--jsonl"),
        lambda at: (at.taught(), at.image(), "--regions", "--csv", at.path(".csv")),
        lambda at: (at.model(), at.image(), "--regions", "--library", at.path(".db")),
        lambda at: (at.model(), at.image(), f"--{at.name}"),
        lambda at: (at.model(), at.image(), "--threshold", at.name),
    ),
    "explain": (
        lambda at: (at.model(), at.images("red1"), "-o", at.path(".html")),
        lambda at: (
            at.taught(),
            at.image("red1"),
            at.path("none"),
            "--regions",
            "-o",
            at.path(".html"),
        ),
    ),
    "bench": (
        lambda at: (
            at.root(),
            *at.small_bench(),
            "--json",
            at.path(".json"),
            "--html",
            at.path(".html"),
        ),
        lambda at: (at.path("none"),),
        lambda at: (at.root(), "--category", at.name),
    ),
    "bench-compare": (
        lambda at: (at.measured(), at.path(".json")),
        lambda at: (at.measured(), at.path(".json"), "--json"),
        lambda at: (at.image(), at.path("none")),
    ),
    "bench-regions": (lambda at: (at.path("none"),), lambda at: (at.images(),)),
    "demo": (lambda at: ("-o", at.images()), lambda at: ("-o", at.image())),
    "classes list": (
        lambda at: (at.model(),),
        lambda at: (at.model(), "--json"),
        lambda at: (at.model(), "-o", at.path(".png")),
        lambda at: (at.model(), "-o", at.path(".txt")),
    ),
    "classes rename": (
        lambda at: (at.model(), "0", at.name, "--author", at.name),
        lambda at: (at.model(), at.name, "x", "--json"),
    ),
    "classes merge": (lambda at: (at.model(), "0", "1", "--name", at.name, "--dry-run"),),
    "classes split": (lambda at: (at.model(), at.name, "--dry-run"),),
    "classes ignore": (lambda at: (at.model(), "0", "--dry-run", "--author", at.name),),
    "classes count": (lambda at: (at.model(), "0", at.name),),
    "classes add": (
        lambda at: (at.model(), "--reference", at.name, "--name", "x", "--click", "9,9"),
        lambda at: (at.model(), "--reference", "0", "--name", at.name, "--mask", at.path(".png")),
        lambda at: (at.model(), "--reference", "0", "--name", "x", "--click", at.name),
    ),
    "classes remove": (lambda at: (at.model(), at.name),),
    "classes undo": (lambda at: (at.model(),),),
    "classes redo": (lambda at: (at.path("none"),),),
    "classes history": (lambda at: (at.model(),), lambda at: (at.model(), "--json")),
    "region teach": (
        lambda at: (
            at.model(),
            at.image("red1"),
            "--box",
            "31,31,50,50",
            "--class",
            "red",
            "--defect",
        ),
        lambda at: (
            at.model(),
            at.image("red1"),
            "--box",
            "31,31,50,50",
            "--class",
            at.name,
            "--defect",
        ),
        lambda at: (at.model(), at.image(), "--mask", at.path("none"), "--class", "x", "--defect"),
        lambda at: (at.model(), at.image(), "--polygon", at.name, "--class", "x", "--defect"),
    ),
    "region list": (
        lambda at: (at.told(), "--html", at.path(".html")),
        lambda at: (at.told(), "--json"),
        lambda at: (at.told(), "--lessons"),
        lambda at: (at.told(), "--lessons", "--json"),
        lambda at: (at.model(),),
    ),
    "region forget": (lambda at: (at.taught(), "red"), lambda at: (at.taught(), at.name)),
    "region rename": (lambda at: (at.taught(), "red", at.name, "--author", at.name),),
    "region kind": (lambda at: (at.taught(), at.name, "--defect"),),
    "region undo": (lambda at: (at.taught(),), lambda at: (at.model(), "--name", at.name)),
    "region redo": (lambda at: (at.taught(),),),
    "region classify": (
        lambda at: (at.taught(), at.images("red1"), "-o", at.path(".d")),
        lambda at: (at.taught(), at.images("red1"), at.path("none"), "--jsonl"),
    ),
    "region propose": (
        lambda at: (at.model(), at.images("red1", "red2", "red3"), "-o", at.path(".html")),
        lambda at: (at.model(), at.images("red1", "red2", "red3"), "--json"),
        lambda at: (at.model(), at.path("none")),
    ),
    "station add": (
        lambda at: (at.path(".station"), at.images(), "--model", at.model()),
        lambda at: (at.path(".station"), at.image(), "--model", at.model(), "--copy"),
        lambda at: (at.path(".station"), at.path("none"), "--model", at.path("none.pw")),
        lambda at: (at.image(), at.image(), "--model", at.model()),
    ),
    "station list": (
        lambda at: (at.station(),),
        lambda at: (at.station(), "--jsonl"),
        lambda at: (at.station(), "--class", at.name, "--model", at.path(".pw")),
    ),
    "station run": (lambda at: (at.station(),),),
    "station review": (lambda at: (at.station(), "1", "--accepted", "--author", at.name),),
    "station export": (
        lambda at: (at.station(), "--csv", at.path(".csv"), "--jsonl", at.path(".jsonl")),
        lambda at: (at.station(), "--csv", at.path(".station")),
    ),
    "station watch": (
        lambda at: (at.path(".station"), at.images(), "--model", at.model()),
        lambda at: (at.path(".station"), at.path("none"), "--model", at.model()),
    ),
    "station rejudge": (lambda at: (at.station(), "1"),),
    "station cancel": (lambda at: (at.station(),), lambda at: (at.path(".station"), "--job", "9")),
    "ui": (
        lambda at: (at.path("none.pw"),),
        lambda at: (at.model(), "--root", at.path("none")),
        lambda at: (at.model(), "--password-file", at.image()),
        lambda at: (at.model(), "--host", at.name),
    ),
    "weights list": (lambda at: (at.name,),),
    "weights get": (lambda at: (at.name,), lambda at: (at.path(),)),
    "weights verify": (lambda at: (at.name,),),
    "weights import": (
        lambda at: (at.image(),),
        lambda at: (at.images(),),
        lambda at: (at.path("none"), "--name", at.name),
    ),
}


def leaves(command: click.Command, *words: str) -> Iterator[str]:
    """All commands that are no groups, by their words."""
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from leaves(each, *words, name)
    else:
        yield " ".join(words)


def test_every_command_has_a_case():
    assert set(leaves(cli)) == set(CASES)


@dataclass(frozen=True)
class Ended:
    """What a command wrote, and which files."""

    code: int
    out: str
    err: str
    is_json: bool
    files: dict[str, str]


def run(*words: str) -> Ended:
    """Run a command in this process; whatever it raises, or cannot encode, is raised here."""
    ended = CliRunner().invoke(cli, list(words), prog_name="partwise", catch_exceptions=False)
    # of `bench` and `export` these options name a file
    is_json = {"--json", "--jsonl"} & set(words) and words[0] != "bench" and words[1] != "export"
    return Ended(ended.exit_code, ended.stdout, ended.stderr, bool(is_json), {})


@pytest.fixture(scope="module")
def place(plates, plate_model, taught_once, small):
    """Make a place for one name, and delete it afterwards."""

    def use(name: bytes, do: Callable[[Place], Ended]) -> tuple[Ended, Place]:
        with tempfile.TemporaryDirectory() as folder:
            library = taught_once / "plate.regions.db"
            at = Place(
                Path(folder).resolve(), os.fsdecode(name), plates, plate_model, library, small
            )
            try:
                at.image()
            except OSError:  # a file system that refuses the name
                assume(False)
            ended = do(at)
            texts = {
                ending: Path(at.path(ending)).read_bytes().decode()
                for ending in (".csv", ".html", ".json", ".jsonl")
                if os.path.isfile(at.path(ending))
            }
            return replace(ended, files=texts), at

    return use


# these take seconds; without being asked, they try the one name that has all
SLOW = ("fit", "bench", "bench-compare", "explain", "region", "station run")

ALL = [(command, i) for command, cases in CASES.items() for i in range(len(cases))]


@pytest.mark.parametrize(("command", "number"), ALL, ids=lambda each: str(each).replace(" ", "-"))
def test_any_name_is_shown_as_what_it_is(place, monkeypatch, command, number):
    monkeypatch.delenv("PARTWISE_LIBRARY", raising=False)

    is_slow = command.startswith(SLOW) and N_EXAMPLES == 1
    is_of_station = command.startswith("station")

    def do(at: Place) -> Ended:
        return run(*command.split(), *CASES[command][number](at))

    usual, _ = place(b"plain", do)

    @settings(
        max_examples=N_EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=N_EXAMPLES < 10,
        phases=[Phase.explicit] if is_slow else [Phase.explicit, Phase.generate],
    )
    @given(NAMES)
    @example(ALL_BUT_BYTES if is_of_station else ALL_AT_ONCE)
    def check(name: bytes) -> None:
        assume(name.strip(b". ") and not name.startswith(b"-"))
        if is_of_station:  # its tables hold text
            assume(is_unicode(name))
        ended, at = place(name, do)
        check_streams(ended, usual)
        if ended.is_json:
            check_json(ended.out)
        for ending, text in ended.files.items():
            check_file(ending, text, usual.files.get(ending), at)

    check()


def is_unicode(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_streams(ended: Ended, usual: Ended) -> None:
    """No line too many, nothing unseen, and one line of complaint."""
    assert ended.code in (0, 1, 2, 3)
    for text in (ended.out, ended.err):
        assert all(one_line(line) == line for line in text.split("\n"))
    assert "Traceback" not in ended.err
    if ended.code == usual.code:
        assert ended.out.count("\n") == usual.out.count("\n")
        assert ended.err.count("\n") == usual.err.count("\n")
    if ended.code == 2:
        assert ended.err.count("\nError: ") + ended.err.startswith("Error: ") == 1


def check_json(text: str) -> None:
    """Strict readers take it."""
    for each in [text] if text.startswith(("[\n", "{\n")) else text.splitlines():
        json.dumps(json.loads(each, parse_constant=pytest.fail), ensure_ascii=False).encode()


def check_file(ending: str, text: str, usual: str | None, at: Place) -> None:
    """A file has as many rows, and the same markup, as with a usual name."""
    if ending in (".json", ".jsonl"):
        check_json(text)
    if ending == ".csv":
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert usual is None or len(text.splitlines()) == len(usual.splitlines())
        assert all(
            csv_cell(read_name(cell)) in (cell, f"'{cell}") or is_number(cell)
            for row in rows
            for cell in row
        )
        assert not any(
            cell[:1] in ("=", "+", "@", "\t", "\r", "＝") for row in rows for cell in row
        )
    if ending == ".html":
        assert all(one_line(line) == line for line in text.split("\n"))
        assert usual is None or skeleton(text) == skeleton(usual)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def skeleton(text: str) -> list[str]:
    """The tags of a page and the names of their attributes."""
    found: list[str] = []

    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append(f"{tag} {' '.join(name for name, _ in attrs)}")

    Tags().feed(text)
    return found


@pytest.mark.parametrize("name", [ALL_AT_ONCE, b"$'x\\n'"])
def test_json_lines_lead_to_the_file(place, name):
    def do(at: Place) -> Ended:
        ended = run("score", at.model(), at.image(), "--jsonl")
        assert from_text(json.loads(ended.out)["path"]) == at.path(".png")
        return ended

    place(name, do)
