"""Models whose checksum is right and whose content is not; and those that are as they should be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from alignment.network_view import NetworkViewConfig
from engine import model_file
from engine.class_edits import Add, Count, Merge, Rename
from engine.config import Config
from engine.editing import edited
from engine.inspector import Inspector
from engine.model_file import ModelFileError, read_model, write_model
from engine.model_schema import SCHEMA
from features.cnn import CnnConfig
from features.images import resize
from features.region import Region

SIZE = (64, 96)
LARGER = (160, 240)  # than the network's first look sees
Arrays = dict[str, np.ndarray]
Header = dict[str, Any]


@pytest.fixture(scope="module")
def edited_model(scene: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with all that one may hold."""
    images = [resize(scene("pins", seed).image, SIZE) for seed in range(3)]
    inspector = Inspector(replace(Config(), working_area_px=64 * 96)).fit(images)
    mask = np.zeros(inspector.fitted.working_size, dtype=bool)
    mask[20:32, 30:44] = True
    for edit in (Rename(0, "ground"), Add("mark", 0, Region.of(mask)), Count(0, 2)):
        inspector = edited(inspector, edit, author="anna")
    path = tmp_path_factory.mktemp("models") / "edited.pw"
    inspector.save(path)
    return path


@pytest.fixture(scope="module")
def model_of_network(scene: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of the profile that has a network, with all that it saw at both looks."""
    images = [resize(scene("pins", seed).image, LARGER) for seed in range(3)]
    images[1] = images[1] // 2  # in another light
    images[2] = images[2][::-1, ::-1]  # turned
    config = Config(
        profile="cnn",
        working_area_px=64 * 96,
        cnn=CnnConfig(input_px=128),
        network_view=NetworkViewConfig(detail=192),
    )
    path = tmp_path_factory.mktemp("models") / "network.pw"
    Inspector(config).fit(images).save(path)
    return path


@pytest.fixture
def doctored(edited_model: Path, model_of_network: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a model with changes, and the checksum that belongs to them."""

    def write(change: Callable[[Arrays, Header], object], *, is_of_network: bool = False) -> Path:
        arrays, header = read_model(model_of_network if is_of_network else edited_model)
        change(arrays, header)
        write_model(tmp_path / "odd.pw", arrays, header)
        return tmp_path / "odd.pw"

    return write


def refused(path: Path, message: str) -> None:
    with pytest.raises(ModelFileError, match=message) as caught:
        Inspector.load(path)
    assert str(caught.value).startswith(str(path))
    assert "fit the references again" in str(caught.value)
    assert "\n" not in str(caught.value)


def kind_of(name: str) -> str:
    return re.sub(r"(?<=[a-z])\d+(?=\.|$)", "#", name)


def is_of_network(kind: str) -> bool:
    """Whether only the profile that has a network holds such arrays."""
    return kind.startswith("network.") or ".view_" in kind or kind == "frame.places"


def test_each_array_of_a_model_is_in_the_schema(edited_model: Path, model_of_network: Path) -> None:
    found = {
        path: {*map(kind_of, read_model(path)[0])} for path in (edited_model, model_of_network)
    }
    assert not any(map(is_of_network, found[edited_model]))
    kinds = set[str]().union(*found.values())
    assert kinds <= SCHEMA.keys()
    absent = SCHEMA.keys() - kinds
    # of larger networks, and of what was painted before an edit, which no model keeps
    assert all(name.startswith(("pose_backbone.", "unedited.classes.painted#")) for name in absent)


def test_what_is_stored_is_accepted_and_judges(edited_model: Path, scene: Any) -> None:
    inspector = Inspector.load(edited_model)
    assert inspector.inspect(resize(scene("pins", 9).image, SIZE)).total > 0
    assert len(inspector.fitted.class_history) == 3


def test_what_a_network_saw_is_accepted_and_judges(model_of_network: Path, scene: Any) -> None:
    report = Inspector.load(model_of_network).inspect(resize(scene("pins", 9).image, LARGER))
    assert report.scores["network_patch"] > 0
    assert report.scores["detail_patch"] > 0


def test_a_reference_that_the_network_has_not_seen_is_refused(
    doctored: Callable[..., Path],
) -> None:
    def change(arrays: Arrays, header: Header) -> None:
        for name in [each for each in arrays if each.startswith("reference1.view_")]:
            del arrays[name]

    refused(doctored(change, is_of_network=True), r"lacks 'reference1\.view_tokens' although")


NETWORK_HEADERS: dict[str, tuple[str, Any]] = {
    "power of nought": ("power", 0.0),
    "power of two": ("power", 2.0),
    "power of text": ("power", "1"),
    "one reading": ("network_readings", {"network_patch": [0.1]}),
    "readings below nought": ("network_readings", {"detail_patch": [-0.1] * 3}),
    "readings of a list": ("network_readings", [0.1] * 3),
    "comparison of a list": ("config", {"profile": "cnn", "comparison": []}),
    "readings of no score": ("network_readings", {"patch": [0.1] * 3}),
    "normalisation of a list": ("config", {"profile": "cnn", "normalisation": []}),
}


@pytest.mark.parametrize("name", NETWORK_HEADERS)
def test_every_value_of_a_network_is_looked_at(doctored: Callable[..., Path], name: str) -> None:
    key, value = NETWORK_HEADERS[name]
    path = doctored(lambda arrays, header: header.update({key: value}), is_of_network=True)
    refused(path, "although its checksum")


def test_a_merged_class_is_accepted(edited_model: Path, tmp_path: Path) -> None:
    inspector = edited(Inspector.load(edited_model), Merge((0, 1)), author="anna")
    inspector.save(tmp_path / "merged.pw")
    assert len(Inspector.load(tmp_path / "merged.pw").fitted.class_history) == 4


NAMES = sorted(name for name in SCHEMA if not name.startswith(("pose_", "unedited.classes.p")))


@pytest.mark.parametrize("kind", NAMES)
def test_every_array_has_its_type_and_shape(doctored: Callable[..., Path], kind: str) -> None:
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "type": lambda array: array.astype("float32" if array.dtype == "float16" else "float16"),
        "axis": lambda array: array[..., None],
        "flat": lambda array: array.reshape(-1)[:, None, None, None],
        "none": lambda array: array[:0],
    }
    for change in changes.values():

        def apply(arrays: Arrays, header: Header, change: Any = change) -> None:
            name = next(name for name in arrays if kind_of(name) == kind)
            arrays[name] = change(arrays[name])

        path = doctored(apply, is_of_network=is_of_network(kind))
        refused(path, r"although its checksum is right: array .* must (be|have) .*, got")


@pytest.mark.parametrize(
    "kind", [name for name in NAMES if SCHEMA[name].dtype not in ("bool", "uint8")]
)
def test_every_number_has_its_range(doctored: Callable[..., Path], kind: str) -> None:
    stored = SCHEMA[kind]
    too_low = stored.low - abs(stored.low) - 1 if stored.dtype[0] == "f" else -3
    for value in (stored.high * 2 + 1, too_low):

        def apply(arrays: Arrays, header: Header, value: float = value) -> None:
            name = next(name for name in arrays if kind_of(name) == kind)
            if value > 2**31 - 2 and arrays[name].dtype == np.int32:
                arrays[name] = np.full_like(arrays[name], 2**31 - 1)
            else:
                arrays[name] = np.full_like(arrays[name], value)

        path = doctored(apply, is_of_network=is_of_network(kind))
        refused(path, r"array .* must have values in .*, got")


HEADERS: dict[str, tuple[str, Any]] = {
    "size of no multiple": ("working_size", [60, 96]),
    "size of nothing": ("working_size", [0, 0]),
    "size of too much": ("working_size", [2**30, 8]),
    "size of text": ("working_size", "64x96"),
    "size of three": ("working_size", [64, 96, 3]),
    "other photo size": ("photo_size", [128, 192]),
    "no reference": ("references", []),
    "names of numbers": ("references", [1, 2, 3]),
    "one reference too many": ("references", ["a", "b", "c", "d"]),
    "classes of nothing": ("classes", []),
    "classes of null": ("classes", None),
    "threshold of text": ("threshold", "1.0"),
    "threshold of all": ("threshold", 1e300),
    "scales of nought": ("weights", {"class_color": 0.0}),
    "scales of a list": ("weights", [1.0]),
    "weights of nothing": ("emphasis", {}),
    "weights below nought": ("emphasis", {"class_color": -1.0}),
    "caps of text": ("caps", {"composition": "2"}),
    "another calibration": ("calibration", "none"),
    "totals of text": ("normal_totals", ["1"]),
    "another profile": ("profile", "foundation"),
    "no profile": ("profile", "whole"),
    "config of a list": ("config", []),
    "machine of a list": ("config", {"machine": []}),
    "identity of a list": ("identity", []),
    "warnings of text": ("warnings", ["a"]),
    "warnings of another kind": ("warnings", [{"kind": "x", "names": [], "text": ""}]),
    "warnings about numbers": ("warnings", [{"kind": "odd", "names": [1], "text": ""}]),
    "edits of a list": ("class_edits", []),
    "edits of nothing": ("class_edits", {}),
}


@pytest.mark.parametrize("name", HEADERS)
def test_every_value_of_the_header_is_looked_at(doctored: Callable[..., Path], name: str) -> None:
    key, value = HEADERS[name]
    refused(doctored(lambda arrays, header: header.update({key: value})), "although its checksum")


EDITS: dict[str, tuple[int, dict[str, Any]]] = {
    "another number": (0, {"number": 7}),
    "another kind": (0, {"kind": "explode"}),
    "values of another kind": (0, {"kind": "count"}),
    "no text": (0, {"text": None}),
    "undone by nobody": (1, {"undone_as": "1"}),
    "undone at 99": (1, {"undone_as": 99}),
    "a name of numbers": (0, {"values": {"class_id": 0, "name": 5}}),
    "a box of three": (1, {"values": {"name": "a", "reference": 0, "region": [1, 2, 3]}}),
    "a box of nothing": (1, {"values": {"name": "a", "reference": 0, "region": [4, 4, 4, 4]}}),
    "another box": (1, {"values": {"name": "a", "reference": 0, "region": [0, 0, 4, 4]}}),
}


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_looked_at(doctored: Callable[..., Path], name: str) -> None:
    index, values = EDITS[name]

    def change(arrays: Arrays, header: Header) -> None:
        header["class_edits"]["history"][index].update(values)

    refused(doctored(change), "although its checksum is right")


def test_templates_belong_to_their_masks(doctored: Callable[..., Path]) -> None:
    def change(arrays: Arrays, header: Header) -> None:
        arrays["classes.painted0.inside0"] = np.ones((5, 5), dtype=bool)

    refused(doctored(change), "must be 2 or 4 times as large as looks")

    def leave_out(arrays: Arrays, header: Header) -> None:
        del arrays["classes.painted0.inside0"]

    refused(doctored(leave_out), r"lacks 'classes\.painted0\.inside0' although")


def test_what_the_schema_does_not_know_is_left_alone(doctored: Callable[..., Path]) -> None:
    def change(arrays: Arrays, header: Header) -> None:
        header["later"] = {"more": 1}
        arrays["later.array"] = np.zeros(3)

    Inspector.load(doctored(change))


@pytest.mark.parametrize(
    "text", ["NaN", "1e999", "9" * 5000, "[" * 3000 + "]" * 3000, "[" * 100_000, str(2**70)]
)
def test_a_header_that_breaks_its_readers_is_refused(
    edited_model: Path, tmp_path: Path, text: str
) -> None:
    arrays, header = read_model(edited_model)
    document = {"format": model_file.FORMAT, "schema_version": 1, "header": header | {"more": "@"}}
    said = json.dumps(document).replace('"@"', text)
    path = tmp_path / "odd.pw"
    path.write_bytes(save(arrays, metadata={"partwise": said}))
    with pytest.raises(
        ModelFileError, match=r"odd\.pw has a header that is not JSON \(.*\); write it"
    ):
        read_model(path)


def test_arrays_of_types_that_no_model_holds(tmp_path: Path, edited_model: Path) -> None:
    _, header = read_model(edited_model)
    document = {"format": model_file.FORMAT, "schema_version": 1, "header": header}
    content = bytearray(save({"a": np.zeros(2, "float16")}, {"partwise": json.dumps(document)}))
    content[:] = content.replace(b'"dtype":"F16"', b'"dtype":"BF16"')
    n = int.from_bytes(content[:8], "little") + 1
    content[:8] = n.to_bytes(8, "little")
    (tmp_path / "odd.pw").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"must have one of the types .*, got BF16; write it"):
        read_model(tmp_path / "odd.pw")
