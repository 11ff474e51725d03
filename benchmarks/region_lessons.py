"""Recognition of new regions in real photographs after one lesson.

Of what is new in photographs of a real product, how much is recognised after one lesson?

    PARTWISE_DATA=DIR python benchmarks/region_lessons.py SET TYPE [--shots 8] [--seeds 42,0,1234]

``DIR/SET`` is laid out like MVTec AD. For each seed, references are drawn as by ``partwise bench``;
the newest region of one photograph of ``test/TYPE``, drawn at random, is taught as a defect under
one name, and all others are judged. Printed: in how many photographs of the type, and in how many
good ones, a region gets that name, and how many are anomalous. What the region shows is not known
here; look at it (``-o`` writes the taught one).
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
from PIL import Image

from engine.inspector import Inspector
from engine.regions import Library, Outlined, Recogniser, teach
from engine.regions.teaching import thumbnail
from features.image_files import list_images, read_image

DATA = Path(os.environ.get("PARTWISE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("set")
    parser.add_argument("type")
    parser.add_argument("--shots", type=int, default=8)
    parser.add_argument("--seeds", default="42,0,1234")
    parser.add_argument("-o", "--output", type=Path, help="folder for pictures of what is taught")
    given = parser.parse_args()
    root = DATA / given.set
    if not root.is_dir():
        print(f"{root} is not there; set PARTWISE_DATA")
        return
    rows = []
    for seed in map(int, given.seeds.split(",")):
        rows.append(measure(root, given.type, given.shots, seed, given.output))
        print(
            f"seed {seed}: " + ", ".join(f"{name} {share:.3f}" for name, share in rows[-1].items())
        )
    for name in rows[0]:
        values = [row[name] for row in rows]
        print(f"{name}: {np.mean(values):.3f} ± {np.std(values):.3f}")


def measure(root: Path, kind: str, shots: int, seed: int, output: Path | None) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    good = list_images(root / "train" / "good")
    chosen = [good[i] for i in rng.permutation(len(good))[:shots]]
    inspector = Inspector().fit([read_image(path) for path in chosen])
    paths = list_images(root / "test" / kind)
    with (
        tempfile.TemporaryDirectory() as folder,
        Library(Path(folder) / "regions.db") as library,
    ):
        recogniser = Recogniser(inspector, library)
        shuffled = [paths[i] for i in rng.permutation(len(paths))]
        taught = give_lesson(recogniser, shuffled, output)
        normal = list_images(root / "test" / "good")
        found, sound = (
            [recogniser.inspect(read_image(path)) for path in some if path != taught]
            for some in (paths, normal)
        )
    return {
        f"named in {kind}": float(np.mean([bool(each.defects) for each in found])),
        "named in good": float(np.mean([bool(each.defects) for each in sound])),
        f"anomalous in {kind}": float(np.mean([each.is_anomaly for each in found])),
        "anomalous in good": float(np.mean([each.is_anomaly for each in sound])),
    }


def give_lesson(recogniser: Recogniser, paths: list[Path], output: Path | None) -> Path:
    """Teach the newest region of the first photograph that has one; return the photograph."""
    for path in paths:
        examination = recogniser.inspector.examine(read_image(path))
        found = recogniser.judge(examination).regions
        if found:
            region = found[0].region
            teach(recogniser, examination, Outlined(region, path.name), "taught", "defect")
            if output:
                output.mkdir(exist_ok=True)
                picture = Image.fromarray(thumbnail(examination.image, region))
                picture.save(output / f"{path.stem}.png")
            return path
    raise SystemExit("no photograph of the type shows anything new")


if __name__ == "__main__":
    main()
