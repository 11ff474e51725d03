from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from engine.atomic import OutputError
from engine.model_file import SCHEMA_VERSION, ModelFileError, read_model, write_model

HEADER: dict[str, Any] = {
    "profile": "embedded",
    "weights": {"b": 0.1, "a": 1e-300},
    "classes": [{"name": "grey, round", "count": 3}],
    "threshold": None,
    "text": 'µ → "quoted" \n',
}


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "tokens": rng.normal(size=(5, 7)).astype(np.float32),
        "half": rng.normal(size=9).astype(np.float16),
        "double": rng.normal(size=(2, 2, 2)),
        "mask": rng.random((4, 3)) < 0.5,
        "thumbnail": rng.integers(0, 256, (6, 6, 3), dtype=np.uint8),
        "classes": rng.integers(-9, 9, 11, dtype=np.int64),
        "counts": rng.integers(-9, 9, 11, dtype=np.int32),
        "scalar": np.array(2.5),
        "empty": np.zeros((0, 4), np.float32),
    }


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pw"
    write_model(path, arrays(), HEADER)
    return path


def forged(path: Path, text: str, tensors: dict[str, np.ndarray] | None = None) -> Path:
    """A safetensors file with our key but any text under it."""
    path.write_bytes(save(tensors or {"a": np.zeros(3)}, metadata={"partwise": text}))
    return path


def edited(path: Path, **changes: Any) -> Path:
    """The model at ``path`` with some members of its JSON document changed."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    outer = json.loads(content[8 : 8 + size])
    document = json.loads(outer["__metadata__"]["partwise"])
    document.update(changes)
    outer["__metadata__"]["partwise"] = json.dumps(document)
    head = json.dumps(outer, separators=(",", ":")).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + content[8 + size :])
    return path


def test_what_is_written_is_read_back(model: Path) -> None:
    got, header = read_model(str(model))
    assert header == HEADER
    assert got.keys() == arrays().keys()
    for name, array in arrays().items():
        np.testing.assert_array_equal(got[name], array)
        assert got[name].dtype == array.dtype
        assert got[name].shape == array.shape


def test_any_memory_layout_is_stored_by_value(tmp_path: Path) -> None:
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    odd = {"turned": base.T, "step": base[::2, ::-1], "big": base.astype(">f4")}
    write_model(tmp_path / "a.pw", odd, {})
    got, _ = read_model(tmp_path / "a.pw")
    for name, array in odd.items():
        np.testing.assert_array_equal(got[name], array)
        assert got[name].flags.c_contiguous


def test_tuples_come_back_as_lists(tmp_path: Path) -> None:
    write_model(tmp_path / "a.pw", arrays(), {"size": (3, 4)})
    assert read_model(tmp_path / "a.pw")[1] == {"size": [3, 4]}


def test_equal_content_gives_equal_bytes_whatever_the_order(model: Path, tmp_path: Path) -> None:
    backwards = dict(reversed(arrays().items()))
    write_model(tmp_path / "b.pw", backwards, dict(reversed(HEADER.items())))
    assert (tmp_path / "b.pw").read_bytes() == model.read_bytes()


WRITE = """
import sys, numpy as np
from engine.model_file import write_model
names = sorted({"tokens", "mask", "counts", "classes", "b", "a"}, key=hash)
write_model(sys.argv[1], {n: np.arange(len(n)) for n in names}, {n: len(n) for n in names})
"""


def test_equal_content_gives_equal_bytes_in_every_process(tmp_path: Path) -> None:
    contents = set()
    for seed in ("1", "2", "3"):
        path = tmp_path / f"{seed}.pw"
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", WRITE, path], check=True, env=environment)
        contents.add(path.read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_is_not_written(bad: float, tmp_path: Path) -> None:
    message = r"^array 'bank' must hold finite values, got NaN or infinity in 1 places; fit on"
    with pytest.raises(ModelFileError, match=message):
        write_model(tmp_path / "a.pw", {"bank": np.array([1, bad], np.float32)}, {})
    with pytest.raises(ModelFileError, match=r"header must hold finite numbers: .*; fit on other"):
        write_model(tmp_path / "a.pw", {}, {"weight": bad})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("dtype", [object, "complex64", "U3", "uint16"])
def test_a_type_that_is_not_stored(dtype: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"array 'x' must have one of the types bool, .*, got"):
        write_model(tmp_path / "a.pw", {"x": np.zeros(3, dtype)}, {})


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.pw: the folder does not exist; create it first"):
        write_model(tmp_path / "none" / "a.pw", arrays(), HEADER)


def test_no_such_file(tmp_path: Path) -> None:
    message = r"none\.pw: no such model file; check the path, or make it with `partwise fit`$"
    with pytest.raises(ModelFileError, match=message):
        read_model(tmp_path / "none.pw")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(
        ModelFileError, match=r"cannot be read as a model \(Is a directory\); check"
    ):
        read_model(tmp_path)


def test_no_permission(locked_folder: Path) -> None:
    with pytest.raises(ModelFileError, match=r"cannot be read as a model \(Permission denied\)"):
        read_model(locked_folder / "unreadable.png")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.pw").touch()
    with pytest.raises(
        ModelFileError, match=r"is empty \(0 bytes\); write it again with `partwise"
    ):
        read_model(tmp_path / "a.pw")


@pytest.mark.parametrize(
    "content",
    [
        b"tiny",
        b"a text file, long enough to hold a header",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        pickle.dumps({"weights": [1, 2, 3]}),
        save({"a": np.zeros(3)}),
        save({"a": np.zeros(3)}, metadata={"format": "pt"}),
    ],
)
def test_a_foreign_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pw").write_bytes(content)
    with pytest.raises(
        ModelFileError, match=r"is not a partwise model: expected a file written by"
    ):
        read_model(tmp_path / "a.pw")


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "exploded"),)

    (tmp_path / "a.pw").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelFileError, match="is not a partwise model"):
        read_model(tmp_path / "a.pw")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file(share: float, model: Path) -> None:
    content = model.read_bytes()
    model.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelFileError, match=r"is truncated or damaged \(.*\); copy it again, or"):
        read_model(model)


def test_bytes_after_the_end(model: Path) -> None:
    model.write_bytes(model.read_bytes() + b"more")
    with pytest.raises(ModelFileError, match=r"is truncated or damaged \(.*\); copy it again, or"):
        read_model(model)


def test_a_newer_schema(model: Path) -> None:
    message = (
        f"was written by a newer partwise: schema {SCHEMA_VERSION + 1}, this one reads up to "
        f"{SCHEMA_VERSION}; upgrade with `pip install --upgrade partwise`$"
    )
    with pytest.raises(ModelFileError, match=message):
        read_model(edited(model, schema_version=SCHEMA_VERSION + 1))


def test_a_newer_schema_may_look_quite_different(model: Path) -> None:
    with pytest.raises(ModelFileError, match="was written by a newer partwise"):
        read_model(edited(model, schema_version=99, header=None, sha256=None))


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, True, None, [1]])
def test_an_unknown_schema(version: Any, model: Path) -> None:
    with pytest.raises(ModelFileError, match=r"has an unknown schema: expected version 1, got"):
        read_model(edited(model, schema_version=version))


def test_another_format_under_our_key(model: Path) -> None:
    with pytest.raises(ModelFileError, match=r"must have the format 'partwise-model', got 'other'"):
        read_model(edited(model, format="other"))


def test_a_header_that_is_not_json(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"has a header that is not JSON \(.*\); write it"):
        read_model(forged(tmp_path / "a.pw", "{oops"))


@pytest.mark.parametrize("text", ["[1, 2]", "null", '"text"', "3"])
def test_a_header_that_is_no_object(text: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"must have a JSON object as header, got \w+; write"):
        read_model(forged(tmp_path / "a.pw", text))


@pytest.mark.parametrize("header", [None, [], "x"])
def test_a_document_without_header(header: Any, model: Path) -> None:
    with pytest.raises(
        ModelFileError, match=r"lacks the object 'header' in its JSON header; write"
    ):
        read_model(edited(model, header=header))


def test_an_altered_header(model: Path) -> None:
    with pytest.raises(ModelFileError, match=r"its content does not match its checksum; copy it"):
        read_model(edited(model, header={**HEADER, "threshold": 2.0}))


def test_an_altered_array(model: Path) -> None:
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"its content does not match its checksum; copy it"):
        read_model(model)


def test_nan_in_a_file_is_named_as_such(tmp_path: Path) -> None:
    document = {"format": "partwise-model", "schema_version": 1, "header": {}}
    bad = {"bank": np.array([np.nan, 1, np.inf], np.float16)}
    path = forged(tmp_path / "a.pw", json.dumps(document), bad)
    message = r"a\.pw: array 'bank' must hold finite values, got NaN or infinity in 2 places; write"
    with pytest.raises(ModelFileError, match=message):
        read_model(path)
