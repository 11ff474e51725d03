"""A score of one's own: its file, its line in the tuple of scores, and its config section.

Nothing else has to be told of it, so a copy of the package in which only these three differ does
all that is done with scores: fit, judge, keep, report, and read models from before.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.config import from_dict
from engine.inspector import Inspector
from engine.synthetic.scenes import render

ROOT = next(each for each in Path(__file__).parents if (each / "pyproject.toml").exists())

MODULE = '''
"""How bright is the image, against the references?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alignment.comparison import Comparison
from engine.scores.reading import Reading, Score


@dataclass(frozen=True)
class BrightnessConfig:
    """What a grey level is worth."""

    worth: float = 1.0

    def problems(self) -> list[str]:
        """Anything goes."""
        return []


def score(comparisons: Sequence[Comparison], config: BrightnessConfig) -> Reading:
    """Compare the mean grey level with that of the nearest reference."""
    ours = comparisons[0].test.image.mean()
    gaps = [abs(float(ours - each.reference.image.mean())) for each in comparisons]
    return Reading(config.worth * min(gaps))


SCORE = Score(
    name="brightness",
    question="Is the image as bright as usual?",
    read=score,
    config=BrightnessConfig,
    role="appearance",
)
'''

JOB = """
import json
import numpy as np
from engine import Inspector, config
from engine.rendering.html_report import explain_page
from engine.rendering.tables import score_lines
from engine.synthetic.scenes import render

images = [render("pins", np.random.default_rng(seed)).image for seed in range(4)]
made = config.from_dict({
    "working_area_px": 16384,
    "active_scores": ["brightness", "located_patch"],
    "scores": {"brightness": {"worth": 2.0}},
})
inspector = Inspector(made).fit(images[:3])
inspector.save("model.pw")
loaded = Inspector.load("model.pw")
dark = (images[3] * 0.4).astype(np.uint8)
reports = [each.inspect(dark) for each in (inspector, loaded)]
fitted = loaded.fitted
page = explain_page([("dark", dark, reports[1])], fitted.references, fitted.class_names)
line = next(each for each in score_lines(reports[1]) if each.name == "brightness")
print(json.dumps({
    "totals": [each.total for each in reports],
    "share": reports[1].normalised["brightness"],
    "normal": loaded.inspect(images[0]).normalised["brightness"],
    "scale": fitted.normaliser.scales["brightness"],
    "question": line.question,
    "is_shown": line.question in page,
    "worth": loaded.config.scores.brightness.worth,
    "old_total": Inspector.load("old.pw").inspect(dark).total,
}))
"""


def put(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name in ("engine", "alignment", "features", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    scores = tmp_path / "engine" / "scores"
    (scores / "brightness.py").write_text(MODULE.lstrip(), encoding="utf-8")
    head = scores / "__init__.py"
    put(head, "    composition.SCORE,\n", "    composition.SCORE,\n    brightness.SCORE,\n")
    put(head, "import (\n    class_agnostic", "import (\n    brightness,\n    class_agnostic")
    last = "    composition: CompositionConfig = field(default_factory=CompositionConfig)\n"
    section = "brightness: brightness.BrightnessConfig = "
    put(head, last, f"{last}    {section}field(default_factory=brightness.BrightnessConfig)\n")
    return tmp_path


def test_a_thirteenth_score_needs_nothing_else(package: Path) -> None:
    images = [render("pins", np.random.default_rng(seed)).image for seed in range(4)]
    old = Inspector(from_dict({"working_area_px": 16384})).fit(images[:2])
    old.save(package / "old.pw")
    done = subprocess.run(
        [sys.executable, "-c", JOB],
        cwd=package,
        env=os.environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["totals"][0] == told["totals"][1]
    assert told["share"] > 5 * told["normal"] >= 0
    assert told["scale"] > 0
    assert told["question"] == "Is the image as bright as usual?"
    assert told["is_shown"]
    assert told["worth"] == 2.0
    dark = (images[3] * 0.4).astype(np.uint8)
    assert told["old_total"] == old.inspect(dark).total
