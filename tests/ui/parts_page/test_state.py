"""A draft on disk: kept as it is, found by its name alone, and none if damaged."""

import json

import numpy as np
import pytest

from engine.editing import Add, Count, Merge, Rename
from features.region import Region
from ui.parts_page.state import delete_edit, load_edit, save_edit


@pytest.mark.parametrize(
    "edit",
    [
        Rename(3, "größer"),
        Merge((1, 2)),
        Count(1, None),
        Add("label", 1, Region((2, 3, 12, 10), np.random.default_rng(0).random((7, 10)) > 0.4)),
    ],
)
def test_a_draft_is_kept_as_it_is(tmp_path, edit):
    name = save_edit(tmp_path / "drafts", "m.pw", edit)
    model, again = load_edit(tmp_path / "drafts", name)
    assert model == "m.pw"
    assert type(again) is type(edit)
    if isinstance(edit, Add):
        assert (again.name, again.reference) == (edit.name, edit.reference)
        assert again.region.box_xyxy == edit.region.box_xyxy
        assert np.array_equal(again.region.mask, edit.region.mask)
    else:
        assert again == edit
    delete_edit(tmp_path / "drafts", name)
    assert load_edit(tmp_path / "drafts", name) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"model": "m.pw", "kind": "exec", "values": {}}',
        '{"model": "m.pw", "kind": "Rename", "values": {"what": 1}}',
        '{"model": "m.pw", "kind": "Add", "values": {"name": "x", "reference": 0, '
        '"region": {"box_xyxy": [0, 0, 9, 9], "bits": "AA=="}}}',
    ],
)
def test_a_draft_that_was_damaged_is_none(tmp_path, text):
    (tmp_path / f"{'a' * 16}.json").write_text(text)
    assert load_edit(tmp_path, "a" * 16) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"values": []},
        {"values": "x"},
        {"values": {"class_id": "3", "name": "a"}},
        {"values": {"class_id": 3, "name": None}},
        {"values": {"class_id": 3, "name": "a", "more": 1}},
        {"kind": ["Rename"]},
        {"kind": "Add", "values": {"name": "a", "reference": 0, "region": 5}},
        {
            "kind": "Add",
            "values": {
                "name": "a",
                "reference": 0,
                "region": {"box_xyxy": [0, 0, 2**40, 2**20], "bits": "AAAA"},
            },
        },
    ],
)
def test_a_doctored_draft_is_none(tmp_path, changes):
    name = save_edit(tmp_path, "m.pw", Rename(3, "a"))
    path = tmp_path / f"{name}.json"
    assert load_edit(tmp_path, name) == ("m.pw", Rename(3, "a"))
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert load_edit(tmp_path, name) is None
