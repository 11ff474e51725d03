"""A list of defects is checked, never converted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.benchmark.defects import DatasetError, Defect, read_defects

ENTRY = {
    "defect_name": "scratch",
    "pixel_value": 255,
    "saturation_threshold": 120,
    "relative_saturation": False,
}


def test_what_is_right_is_read_as_it_is(tmp_path):
    path = tmp_path / "defects_config.json"
    other = ENTRY | {
        "pixel_value": 65535,
        "relative_saturation": True,
        "saturation_threshold": 1,
        "note": "more keys say nothing",
    }
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([ENTRY, other]).encode())
    assert read_defects(path) == (
        Defect("scratch", 255, 120.0, is_relative=False),
        Defect("scratch", 65535, 1.0, is_relative=True),
    )
    assert read_defects(tmp_path / "none.json") == ()


WRONG = {
    "defect_name": [None, "", "  ", 1, ["a"], True, {}],
    "pixel_value": [None, 0, -1, 255.0, 254.6, "255", True, 65536, 10**18, [1]],
    "saturation_threshold": [None, 0, -120, "120", True, [1], "NaN"],
    "relative_saturation": [None, 0, 1, "false", "true", [], 0.0],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_another_value_is_named_and_refused(name, value, tmp_path):
    refused(json.dumps([ENTRY, ENTRY | {"pixel_value": 1, name: value}]), f"{name} of", tmp_path)


@pytest.mark.parametrize("name", ENTRY)
def test_a_missing_key_is_named(name, tmp_path):
    entry = {key: value for key, value in ENTRY.items() if key != name}
    refused(json.dumps([entry]), f"entry 1 lacks {name}", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps([ENTRY, ENTRY]), "pixel_value 255 stands for two defects"),
        ('[{"defect_name": "a", "defect_name": "b"}]', '"defect_name" is given twice'),
        (json.dumps([ENTRY | {"saturation_threshold": float("nan")}]), "NaN is no finite number"),
        (
            json.dumps([ENTRY | {"saturation_threshold": float("inf")}]),
            "Infinity is no finite number",
        ),
        (json.dumps([ENTRY]).replace("120", "1e999"), "the number 1e999 is too large"),
        (json.dumps([ENTRY | {"relative_saturation": True}]), "at most 1, a share of the region"),
        ("[" * 100_000, "it nests too deeply"),
        ("[" + "1" * 10_000 + "]", "is not JSON"),
        (json.dumps([ENTRY | {"defect_name": "a" * 2**20}]), "at most 1,048,576 bytes"),
        ("null", "expected a list, got null"),
        ('"' + "x" * 999 + '"', "x…"),
        ("", "is not JSON"),
    ],
)
def test_what_is_no_list_of_defects_is_refused(text, message, tmp_path):
    refused(text, message, tmp_path)


def refused(text, message, folder):
    path = folder / "defects_config.json"
    path.write_text(text)
    with pytest.raises(DatasetError) as caught:
        read_defects(path)
    assert str(caught.value).startswith(f"{path} is no")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ENTRY, "x"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(content=_JSON)
def test_anything_is_read_or_refused_in_one_line(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("defects") / "defects_config.json"
    path.write_text(json.dumps(content))
    try:
        defects = read_defects(path)
    except DatasetError as error:
        said = str(error)
        assert said.count("\n") == 0
        return
    told = [(each.name, each.pixel_value, each.is_relative) for each in defects]
    assert told == [
        (each["defect_name"], each["pixel_value"], each["relative_saturation"]) for each in content
    ]
