"""Kill commands at random moments, and count what that costs.

    python tests/faults/kills.py --times 100 --seed 7 --only fit --only station

Each command runs in a process of its own session, which is killed with all that it has started
(``kill -9``) at a moment drawn from the time that it takes. Then it is run to its end, as a user
would, and everything is looked at: lost, doubled, half-written, sound images given up, temporary
files left over. Processes are forked from one that has imported everything, for a hundred starts of
Python would take longer than what is measured.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PARTWISE_THREADS"):
    os.environ[_name] = "1"
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

FIGURES = ("lost", "doubled", "half-written", "given up", "temporaries")
# an image is examined in some hundredths of a second
SMALL = "working_area_px = 4096\n"
SIZE = (128, 96)
N_IMAGES = 6
PRELOADED = (
    "engine.benchmark.runner",
    "engine.cli.bench",
    "engine.cli.classes_edit",
    "engine.cli.main",
    "engine.cli.model",
    "engine.cli.region_teach",
    "engine.cli.score",
    "engine.cli.station_queue",
    "engine.cli.weights",
    "engine.library.library",
    "engine.regions.recogniser",
    "engine.station.worker",
    "features.weights.importing",
)


# Processes


def forked(work: Callable[[], Any], log: Path) -> int:
    """Do some work in a process of its own session; gives its id. What it prints is logged."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        with log.open("ab", buffering=0) as stream:
            for descriptor in (1, 2):
                os.dup2(stream.fileno(), descriptor)
        tempfile.tempdir = None  # as TMPDIR says
        try:
            work()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """Wait for a process; gives its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed(pid: int, after_s: float) -> bool:
    """Kill a process and all of its session after some time; whether it was still there."""
    time.sleep(after_s)
    try:
        os.killpg(pid, signal.SIGKILL)  # ours until we wait for it
    except ProcessLookupError:  # so soon that it has no session of its own yet
        os.kill(pid, signal.SIGKILL)
    return ended(pid) == -signal.SIGKILL


def asked(question: Callable[[], Any], log: Path) -> Any:
    """Have something looked up by another process, so that nothing stays open in this one."""
    reading, writing = os.pipe()

    def answer() -> None:
        os.close(reading)
        with os.fdopen(writing, "w") as stream:
            json.dump(question(), stream)

    pid = forked(answer, log)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    code = ended(pid)
    assert code == 0, f"looking failed: {log.read_text()[-2000:]}"
    return json.loads(text)


def command(arguments: Sequence[object]) -> Callable[[], None]:
    """Make what runs a command of partwise."""

    def work() -> None:
        from engine.cli.main import cli

        cli([str(each) for each in arguments], prog_name="partwise")

    return work


# What is killed


class Trial:
    """One command that is killed again and again, in a folder of its own.

    ``prepare`` makes what the next kill is to meet. ``look_after_kill`` and ``look_at_end`` give
    what is wrong. ``again`` are the commands that a user runs after a kill.
    """

    name = ""
    n_in_a_row = 1

    def __init__(self, folder: Path, inputs: Path) -> None:
        self.folder, self.inputs = folder, inputs
        self.log = folder.with_suffix(".log")
        self.n = 0

    def prepare(self) -> None:
        """Make what the next kill is to meet."""
        self.n += 1

    def arguments(self) -> list[object]:
        """The command."""
        raise NotImplementedError

    def again(self) -> list[list[object]]:
        """The commands after a kill."""
        return [self.arguments()]

    def look_after_kill(self) -> Counter[str]:
        """Look at what the kill has left."""
        return Counter()

    def look_at_end(self) -> Counter[str]:
        """Look at what there is after the next run."""
        return Counter()

    def temporaries(self) -> list[Path]:
        """List what should not be there after a run; files that are locked stay, for the next."""
        return [
            each
            for each in self.folder.rglob("*")
            if (each.name.startswith(".") and not each.name.endswith(".lock"))
            or each.name.endswith(("-wal", "-shm", "-journal", ".partial", ".part", ".tmp"))
            or each.parent == self.folder / "tmp"
            or (each.name.startswith("job-") and each.suffix == ".lock")
        ]


class Fit(Trial):
    """``partwise fit`` over a model of before, or where there is none."""

    name = "fit"

    def __init__(self, folder: Path, inputs: Path) -> None:
        super().__init__(folder, inputs)
        self.model = folder / "model.pw"
        self.old = (inputs / "other.pw").read_bytes()
        self.new = (inputs / "model.pw").read_bytes()

    def prepare(self) -> None:
        super().prepare()
        self.model.unlink(missing_ok=True)
        if self.n % 2:
            self.model.write_bytes(self.old)

    def arguments(self) -> list[object]:
        return ["fit", self.inputs / "good", "-o", self.model, "-c", self.inputs / "small.toml"]

    def look_after_kill(self) -> Counter[str]:
        if not self.model.exists():
            return Counter({"lost": self.n % 2})
        is_whole = self.model.read_bytes() in (self.old, self.new)
        return Counter({"half-written": int(not is_whole)})

    def look_at_end(self) -> Counter[str]:
        return Counter({"half-written": int(self.model.read_bytes() != self.new)})


class Score(Trial):
    """``partwise score --csv``."""

    name = "score"

    def __init__(self, folder: Path, inputs: Path) -> None:
        super().__init__(folder, inputs)
        self.table = folder / "table.csv"
        self.names = sorted(each.name for each in (inputs / "new").iterdir())

    def prepare(self) -> None:
        super().prepare()
        self.table.unlink(missing_ok=True)

    def arguments(self) -> list[object]:
        return ["score", self.inputs / "model.pw", self.inputs / "new", "--csv", self.table]

    def look_after_kill(self) -> Counter[str]:
        return self.look_at_end() if self.table.exists() else Counter()

    def look_at_end(self) -> Counter[str]:
        import csv

        with self.table.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        found = [Path(row["path"]).name for row in rows]
        return Counter(
            {
                "lost": len(set(self.names) - set(found)),
                "doubled": len(found) - len(set(found)),
                "half-written": sum(None in row.values() or not row["verdict"] for row in rows),
            }
        )


class Bench(Trial):
    """``partwise bench --json``, which goes on where it was."""

    name = "bench"

    def __init__(self, folder: Path, inputs: Path) -> None:
        super().__init__(folder, inputs)
        self.result = folder / "result.json"
        self.partial = folder / "result.json.partial"
        self.done: dict[str, Any] = {}

    def prepare(self) -> None:
        super().prepare()
        self.result.unlink(missing_ok=True)
        self.partial.unlink(missing_ok=True)

    def arguments(self) -> list[object]:
        options = ["--shots", "1,2", "--seeds", "0,1", "-c", self.inputs / "small.toml"]
        return ["bench", self.inputs / "bench", *options, "--json", self.result]

    def look_after_kill(self) -> Counter[str]:
        self.done = {}
        if self.partial.exists():
            for line in self.partial.read_bytes().split(b"\n")[:-1]:
                noted = json.loads(line)
                self.done[noted["fingerprint"]] = noted["run"]["fit_seconds"]
        if self.result.exists():
            return self.look_at_end()
        return Counter()

    def look_at_end(self) -> Counter[str]:
        runs = json.loads(self.result.read_text())["runs"]
        keys = [(run["shots"], run["seed"]) for run in runs]
        seconds = [run["fit_seconds"] for run in runs]
        return Counter(
            {
                "lost": 4
                - len(set(keys))
                + sum(each not in seconds for each in self.done.values()),
                "doubled": len(keys) - len(set(keys)),
                "half-written": sum(len(run["images"]) != 3 for run in runs),
            }
        )


class Teach(Trial):
    """``partwise region teach`` to one library, which grows from kill to kill."""

    name = "teach"

    def __init__(self, folder: Path, inputs: Path, place: str | None = None) -> None:
        super().__init__(folder, inputs)
        self.place = place or str(folder / "library.db")
        self.given: list[str] = []

    def _teach(self, name: str) -> list[object]:
        words = ["--box", "30,20,60,50", "--class", name, "--accepted", "--force", "--exact"]
        image = self.inputs / "new" / "0.png"
        place = ["--library", self.place]
        return ["region", "teach", self.inputs / "model.pw", image, *words, *place]

    def arguments(self) -> list[object]:
        return self._teach(f"killed {self.n}")

    def again(self) -> list[list[object]]:
        self.given.append(f"after {self.n}")
        return [self._teach(self.given[-1])]

    def _found(self) -> tuple[list[str], int]:
        """Give the names of all lessons, and how many examples of them cannot be read."""
        from engine.library import Library

        def look() -> tuple[list[str], int]:
            if not Library.exists(self.place):
                return [], 0
            with Library(self.place) as library:
                lessons = [each.class_name for each in library.lessons()]
                examples = [each for each in library.examples() if each.features]
            return lessons, len(lessons) - len(examples)

        names, n_broken = asked(look, self.log)
        return names, n_broken

    def look_after_kill(self) -> Counter[str]:
        names, n_broken = self._found()
        if f"killed {self.n}" in names:  # it was given: it must stay
            self.given.append(f"killed {self.n}")
        return self._compared(names, n_broken)

    def look_at_end(self) -> Counter[str]:
        return self._compared(*self._found())

    def _compared(self, names: list[str], n_broken: int) -> Counter[str]:
        return Counter(
            {
                "lost": len(set(self.given) - set(names)),
                "doubled": len(names) - len(set(names)),
                "half-written": n_broken,
            }
        )


class TeachServer(Teach):
    """The same to a PostgreSQL server."""

    name = "teach-postgresql"


class Classes(Trial):
    """``partwise classes rename`` of one model, whose history grows from kill to kill."""

    name = "classes"

    def __init__(self, folder: Path, inputs: Path) -> None:
        super().__init__(folder, inputs)
        self.model = folder / "model.pw"
        self.given: list[str] = []

    def prepare(self) -> None:
        super().prepare()
        if self.n % 10 == 1:  # each edit is replayed at the next
            shutil.copyfile(self.inputs / "model.pw", self.model)
            self.given = []

    def arguments(self) -> list[object]:
        return ["classes", "rename", self.model, "1", f"killed {self.n}"]

    def again(self) -> list[list[object]]:
        self.given.append(f"after {self.n}")
        return [["classes", "rename", self.model, "1", self.given[-1]]]

    def _found(self) -> list[str] | None:
        from engine.inspector import Inspector
        from engine.model_file import ModelFileError

        def look() -> list[str] | None:
            try:
                history = Inspector.load(self.model).fitted.class_history
            except ModelFileError:
                return None
            return [str(getattr(each.edit, "name", "")) for each in history]

        found: list[str] | None = asked(look, self.log)
        return found

    def look_after_kill(self) -> Counter[str]:
        found = self._found()
        if found is not None and f"killed {self.n}" in found:
            self.given.append(f"killed {self.n}")
        return self._compared(found)

    def look_at_end(self) -> Counter[str]:
        return self._compared(self._found())

    def _compared(self, found: list[str] | None) -> Counter[str]:
        if found is None:
            return Counter({"half-written": 1})
        n_lost = len(set(self.given) - set(found))
        return Counter({"lost": n_lost, "doubled": len(found) - len(set(found))})


class Station(Trial):
    """``partwise station run``: four kills in a row, then to its end."""

    name = "station"
    n_in_a_row = 4

    def __init__(self, folder: Path, inputs: Path) -> None:
        super().__init__(folder, inputs)
        self.station = folder / "station"
        self.n_added = 0
        self.judged: dict[str, float] = {}

    def prepare(self) -> None:
        super().prepare()
        if self.n % self.n_in_a_row == 1:
            add = ["station", "add", self.station, self.inputs / "new"]
            code = ended(forked(command([*add, "--model", self.inputs / "model.pw"]), self.log))
            assert code == 0, self.log.read_text()[-2000:]
            self.n_added += N_IMAGES

    def arguments(self) -> list[object]:
        return ["station", "run", self.station]

    def again(self) -> list[list[object]]:
        return [self.arguments()] if self.n % self.n_in_a_row == 0 else []

    def _entries(self) -> list[dict[str, Any]]:
        import engine.station as stations

        def look() -> list[dict[str, Any]]:
            with stations.Station(self.station) as station:
                return [
                    {
                        "id": each.id,
                        "state": each.state,
                        "verdict": each.verdict,
                        "at": each.judged_at.timestamp() if each.judged_at else None,
                        "is_whole": not each.is_drawn or bool(station.result(each.id).photo),
                    }
                    for each in station.entries()
                ]

        found: list[dict[str, Any]] = asked(look, self.log)
        return found

    def look_after_kill(self) -> Counter[str]:
        found = self._entries()
        return Counter(
            {
                "lost": self.n_added - len(found),
                "half-written": sum(not each["is_whole"] for each in found)
                + sum(each["state"] == "done" and not each["verdict"] for each in found),
                "given up": sum(each["state"] == "failed" for each in found),
            }
        )

    def look_at_end(self) -> Counter[str]:
        if self.n % self.n_in_a_row:
            return Counter()
        found = self._entries()
        n_results = sum(each.is_dir() for each in (self.station / "results").iterdir())
        wrong = self.look_after_kill()
        wrong["lost"] += sum(each["state"] != "done" for each in found)
        wrong["doubled"] += n_results - len(found)
        return wrong


class Weights(Trial):
    """``partwise weights import``."""

    name = "weights"

    def __init__(self, folder: Path, inputs: Path) -> None:
        super().__init__(folder, inputs)
        self.place = folder / "weights" / "dinov2-small"

    def prepare(self) -> None:
        super().prepare()
        os.environ["PARTWISE_WEIGHTS"] = str(self.place.parent)
        os.environ["XDG_CACHE_HOME"] = str(self.folder / "cache")
        if self.n % 2:
            shutil.rmtree(self.place, ignore_errors=True)

    def arguments(self) -> list[object]:
        return ["weights", "import", self.inputs / "weights"]

    def look_after_kill(self) -> Counter[str]:
        n_half = 0
        for each in (self.inputs / "weights").iterdir():
            found = self.place / each.name
            n_half += found.exists() and found.read_bytes() != each.read_bytes()
        return Counter({"half-written": n_half})

    def look_at_end(self) -> Counter[str]:
        wrong = self.look_after_kill()
        names = {each.name for each in (self.inputs / "weights").iterdir()}
        there = {each.name for each in self.place.iterdir()}
        wrong["lost"] += len(names - there)
        wrong["doubled"] += len(there - names - {"partwise.json", ".lock"})
        return wrong


TRIALS = (Fit, Score, Bench, Teach, TeachServer, Classes, Station, Weights)


# The inputs


def make_inputs(folder: Path) -> None:
    """Render small photographs, and make of them what the commands need."""
    import numpy as np
    from PIL import Image
    from safetensors.numpy import save_file

    from engine.synthetic.scenes import render

    def photographs(place: Path, seeds: Sequence[int], kind: str = "good") -> None:
        place.mkdir(parents=True)
        for number, seed in enumerate(seeds):
            image = render("pins", np.random.default_rng([seed, len(kind)]), kind).image
            Image.fromarray(image).resize(SIZE).save(place / f"{number}.png")

    (folder / "small.toml").write_text(SMALL)
    photographs(folder / "good", range(3))
    photographs(folder / "new", range(10, 10 + N_IMAGES))
    photographs(folder / "bench" / "pins" / "train" / "good", range(3))
    photographs(folder / "bench" / "pins" / "test" / "good", range(20, 22))
    photographs(folder / "bench" / "pins" / "test" / "missing_pin", [30], "missing_pin")
    weights = folder / "weights"
    weights.mkdir()
    facts = {"model_type": "dinov2", "hidden_size": 384}
    (weights / "config.json").write_text(json.dumps(facts))
    tokens = np.random.default_rng(0).random(2_000_000)
    save_file({"tokens": tokens}, weights / "model.safetensors")


def fit_inputs(folder: Path) -> None:
    """Fit the models that the commands need."""
    for name, given in (("model.pw", folder / "good"), ("other.pw", folder / "new")):
        log = folder.with_suffix(".log")
        fit = command(["fit", given, "-o", folder / name, "-c", folder / "small.toml"])
        code = ended(forked(fit, log))
        assert code == 0, log.read_text()


@contextmanager
def postgresql() -> Iterator[Any]:
    """Start a server of our own, as the tests of libraries do; None where it is not installed."""
    place = ROOT / "tests" / "engine" / "library" / "conftest.py"
    spec = importlib.util.spec_from_file_location("library_conftest", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    programs = module.binaries()
    if programs is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="pw", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        server = module.Server(Path(name), programs)
        try:
            yield server
        finally:
            server.stop()


# The measurement


def duration(trial: Trial) -> float:
    """Return how long the command takes, in seconds."""
    taken = []
    for _ in range(2):
        trial.prepare()
        began = time.perf_counter()
        code = ended(forked(command(trial.arguments()), trial.log))
        taken.append(time.perf_counter() - began)
        assert code == 0, f"{trial.name}: {trial.log.read_text()[-2000:]}"
        trial.look_after_kill()
    return max(taken)


def measure(trial: Trial, times: int, rng: random.Random) -> Counter[str]:
    """Kill the command so often; gives what that cost."""
    takes_s = duration(trial)
    wrong: Counter[str] = Counter()
    n_killed = 0
    while n_killed < times or trial.n % trial.n_in_a_row:
        trial.prepare()
        pid = forked(command(trial.arguments()), trial.log)
        n_killed += killed(pid, rng.uniform(0, takes_s))
        found = trial.look_after_kill()
        left = trial.temporaries()
        commands = trial.again()
        for each in commands:
            code = ended(forked(command(each), trial.log))
            assert code == 0, f"{trial.name}: {trial.log.read_text()[-2000:]}"
        if commands:
            found += trial.look_at_end()
            left = trial.temporaries()
            found["temporaries"] += len(left)
        if +found:
            print(f"  {trial.name} {trial.n}: {dict(+found)} {[str(each) for each in left[:3]]}")
        wrong += found
    wrong["kills"] = n_killed
    return wrong


def main() -> int:
    """Kill, and print a table; ends with 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=100, help="how often each")
    parser.add_argument("--seed", type=int, default=None, help="of the moments")
    parser.add_argument("--only", action="append", choices=[each.name for each in TRIALS])
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"{given.times} kills each, seed {seed}", flush=True)
    names = given.only or [each.name for each in TRIALS]
    with ExitStack() as resources:
        work = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="kills")))
        inputs = work / "inputs"
        inputs.mkdir()
        make_inputs(inputs)
        preload()
        fit_inputs(inputs)
        print(f"{'':18}{'kills':>7}" + "".join(f"{each:>14}" for each in FIGURES) + "  seconds")
        total = 0
        for kind in TRIALS:
            if kind.name not in names:
                continue
            folder = work / kind.name
            (folder / "tmp").mkdir(parents=True)
            os.environ["TMPDIR"] = str(folder / "tmp")
            began = time.perf_counter()
            if kind is TeachServer:
                server = resources.enter_context(postgresql())
                if server is None:
                    print(f"{kind.name:18}PostgreSQL is not installed")
                    total += 1
                    continue
                trial: Trial = TeachServer(folder, inputs, server.new_place())
            else:
                trial = kind(folder, inputs)
            wrong = measure(trial, given.times, random.Random(f"{seed} {kind.name}"))
            figures = "".join(f"{wrong[each]:>14}" for each in FIGURES)
            taken = time.perf_counter() - began
            print(f"{kind.name:18}{wrong['kills']:>7}{figures}{taken:9.0f}", flush=True)
            total += sum(wrong[each] for each in FIGURES)
    return int(total > 0)


def preload() -> None:
    """Import whatever the commands import, and start no thread."""
    import cv2

    cv2.setNumThreads(1)
    for name in PRELOADED:
        importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main())
