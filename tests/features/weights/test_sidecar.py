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
