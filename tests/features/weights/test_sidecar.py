import json

import pytest

from features.weights.errors import WeightsError
from features.weights.registry import WeightsFile
from features.weights.sidecar import Sidecar, read_json, read_sidecar, write_json


def test_a_record_of_a_later_version_is_refused(tmp_path):
    (tmp_path / "partwise.json").write_text('{"schema": 9}')
    with pytest.raises(WeightsError, match="has schema 9, expected 1; update partwise"):
        read_sidecar(tmp_path)


def test_a_record_is_read_as_it_was_written(tmp_path):
    file = WeightsFile("a.safetensors", 3, "0" * 64)
    sidecar = Sidecar("a", "https://x", None, (file,), WeightsFile("a.pth", 4, "1" * 64))
    sidecar.write(tmp_path)
    assert read_sidecar(tmp_path) == sidecar
    assert json.loads((tmp_path / "partwise.json").read_text())["schema"] == 1
    assert read_sidecar(tmp_path / "none") is None


def test_a_json_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": "\n"}, r'has schema "\\n", expected 1'),
        ({"schema": [1] * 5000}, "has schema .*, expected 1"),
        ({"name": None}, "is damaged .name must be a string"),
        ({"commit": ["a"]}, "is damaged .commit must be a string, got"),
        ({"files": []}, "is damaged .files must be a table"),
        ({"files": {"a": {"size": "3", "sha256": "0"}}}, r"is damaged .files\.a\.size must be an"),
        ({"files": {"../a": {"size": 3, "sha256": "0"}}}, "is damaged .'../a' is no plain file"),
        ({"made_from": {"name": "a"}}, r"is damaged .made_from\.size is missing"),
    ],
)
def test_a_doctored_record_is_refused_in_one_line(tmp_path, changes, message):
    file = WeightsFile("a.safetensors", 3, "0" * 64)
    Sidecar("a", "https://x", None, (file,)).write(tmp_path)
    values = read_json(tmp_path / "partwise.json")
    write_json(tmp_path / "partwise.json", values | changes)
    with pytest.raises(WeightsError, match=message) as caught:
        read_sidecar(tmp_path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


@pytest.mark.parametrize("text", ["NaN", "[" * 5000, "9" * 5000, "1e999", "\ud800", "", "[]"])
def test_what_is_no_record_at_all_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "partwise.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(WeightsError, match=r"is damaged .*; fetch or import these weights again"):
        read_sidecar(tmp_path)


def test_a_mark_of_the_encoding_is_no_part_of_a_record(tmp_path):
    Sidecar("a", "https://x", None, ()).write(tmp_path)
    path = tmp_path / "partwise.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_sidecar(tmp_path) == Sidecar("a", "https://x", None, ())
