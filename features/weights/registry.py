"""Registry of the weights that are known by name.

Licences and repositories are those of the publishers. Meta publishes no SHA-256 of the first SAM;
the digits in its file names begin the MD5. The sums below are those that several independent
projects verify downloads against. Of hub files the hub itself says the sum whenever it is asked,
which holds for later revisions too; ``sidecar`` records it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from features.weights.errors import WeightsError

Kind = Literal["dinov2", "dinov3", "sam", "sam-hf", "sam2"]

Mark = tuple[str, tuple[object, ...]]
"""A key of config.json, dots for nesting, and the values that it may have."""

MODEL = "model.safetensors"
CONFIG = "config.json"

_APACHE = "Apache-2.0"
_DINOV3 = "DINOv3 License"


@dataclass(frozen=True)
class WeightsFile:
    """One file as its publisher describes it; ``None`` where nothing is said."""

    name: str
    size: int | None = None
    sha256: str | None = None
    is_needed: bool = True


@dataclass(frozen=True)
class Known:
    """Weights with a name; the last of ``files`` holds the tensors.

    ``repository`` is that of the hub, None for what lies on Meta's own server. ``size_bytes`` is
    for people: of hub files the fp32 tensors alone, headers add some kilobytes. ``marks`` tell the
    config.json of these weights from others.
    """

    name: str
    kind: Kind
    repository: str | None
    files: tuple[WeightsFile, ...]
    size_bytes: int
    licence: str = _APACHE
    is_gated: bool = False
    marks: tuple[Mark, ...] = ()

    @property
    def model_file(self) -> WeightsFile:
        """The file with the tensors."""
        return self.files[-1]


def find(name: str, known: Sequence[Known]) -> Known:
    """Look weights up by name.

    Raises:
        WeightsError: There are none of this name; the nearest is suggested.
    """
    for each in known:
        if each.name == name:
            return each
    near = get_close_matches(name.lower(), [each.name for each in known], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    raise WeightsError(f"unknown weights {name!r}; {hint}`partwise weights list` shows all names")


def _hub(
    name: str, kind: Kind, repository: str, size_bytes: int, *marks: Mark, is_gated: bool = False
) -> Known:
    files = (
        WeightsFile(CONFIG),
        WeightsFile("preprocessor_config.json", is_needed=False),
        WeightsFile(MODEL),
    )
    licence = _DINOV3 if kind == "dinov3" else _APACHE
    return Known(name, kind, repository, files, size_bytes, licence, is_gated, marks)


def _dinov2(size: str, dim: int, size_bytes: int, *, has_registers: bool = False) -> Known:
    suffix, middle = ("-reg", "-with-registers") if has_registers else ("", "")
    model_type = "dinov2_with_registers" if has_registers else "dinov2"
    marks: tuple[Mark, ...] = (("model_type", (model_type,)), ("hidden_size", (dim,)))
    return _hub(
        f"dinov2-{size}{suffix}", "dinov2", f"facebook/dinov2{middle}-{size}", size_bytes, *marks
    )


def _dinov3(size: str, dim: int, size_bytes: int) -> Known:
    marks: tuple[Mark, ...] = (
        ("model_type", ("dinov3_vit",)),
        ("hidden_size", (dim,)),
        ("use_gated_mlp", (False,)),  # ViT-S+ is as wide as ViT-S
    )
    repository = f"facebook/dinov3-{size}16-pretrain-lvd1689m"
    return _hub(f"dinov3-{size}16", "dinov3", repository, size_bytes, *marks, is_gated=True)


def _sam(letter: str, file: str, size_bytes: int, sha256: str) -> Known:
    files = (WeightsFile(file, size_bytes, sha256),)
    return Known(f"sam-vit-{letter}", "sam", None, files, size_bytes)


def _sam_hf(size: str, dim: int, size_bytes: int) -> Known:
    marks: tuple[Mark, ...] = (("model_type", ("sam",)), ("vision_config.hidden_size", (dim,)))
    return _hub(f"sam-vit-{size}-hf", "sam-hf", f"facebook/sam-vit-{size}", size_bytes, *marks)


def _sam2(version: str, size: str, blocks: tuple[int, ...], size_bytes: int) -> Known:
    name = f"sam{version}-hiera-{size}"
    marks: tuple[Mark, ...] = (
        ("model_type", ("sam2", "sam2_video")),  # Meta's repositories say the second
        ("vision_config.backbone_config.blocks_per_stage", (blocks,)),
    )
    return _hub(name, "sam2", f"facebook/{name}", size_bytes, *marks)


KNOWN = (
    _dinov2("small", 384, 88_226_304),
    _dinov2("base", 768, 346_321_920),
    _dinov2("large", 1024, 1_217_474_560),
    _dinov2("giant", 1536, 4_545_923_072),
    _dinov2("small", 384, 88_232_448, has_registers=True),
    _dinov2("base", 768, 346_334_208, has_registers=True),
    _dinov2("large", 1024, 1_217_490_944, has_registers=True),
    _dinov2("giant", 1536, 4_545_947_648, has_registers=True),
    _dinov3("vits", 384, 86_386_176),
    _dinov3("vitb", 768, 342_641_664),
    _dinov3("vitl", 1024, 1_212_518_400),
    _sam(
        "b",
        "sam_vit_b_01ec64.pth",
        375_042_383,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
    _sam(
        "l",
        "sam_vit_l_0b3195.pth",
        1_249_524_607,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    _sam(
        "h",
        "sam_vit_h_4b8939.pth",
        2_564_550_879,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    ),
    _sam_hf("base", 768, 374_943_936),
    _sam_hf("large", 1024, 1_249_373_376),
    _sam_hf("huge", 1280, 2_564_364_480),
    # parameters as published, four bytes each
    _sam2("2", "tiny", (1, 2, 7, 2), 155_600_000),
    _sam2("2", "small", (1, 2, 11, 2), 184_000_000),
    _sam2("2", "base-plus", (2, 3, 16, 3), 323_200_000),
    _sam2("2", "large", (2, 6, 36, 4), 897_600_000),
    _sam2("2.1", "tiny", (1, 2, 7, 2), 155_600_000),
    _sam2("2.1", "small", (1, 2, 11, 2), 184_000_000),
    _sam2("2.1", "base-plus", (2, 3, 16, 3), 323_200_000),
    _sam2("2.1", "large", (2, 6, 36, 4), 897_600_000),
)
