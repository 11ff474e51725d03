import json

import pytest

from engine.config import load, to_dict


def test_tables_results_and_page(partwise, small, tmp_path):
    json_path, html_path = tmp_path / "rolls.json", tmp_path / "rolls.html"
    outputs = ("--json", json_path, "--html", html_path)
    chosen = ("--rolls", "1", "--first-roll", "7", "--photos", "1", "-c", small)
    ended = partwise("bench-regions", *chosen, *outputs)
    assert (ended.code, ended.err) == (0, "")
    for word in ("image AUROC", "floor", "worst", "aim", "button unknown", "hole"):
        assert word in ended.out
    assert "What each step adds" not in ended.out
    result = json.loads(json_path.read_text())
    assert result["config"] == to_dict(load(small))
    assert result["counts"] == {"normal": 4, "of_each": 1}
    assert [roll["walked"]["seed"] for roll in result["rolls"]] == [7]
    assert len(result["rolls"][0]["walked"]["normal_scores"]) == 4
    assert "<svg" in html_path.read_text()
    assert sorted(tmp_path.iterdir()) == [html_path, json_path]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--config", "magic"), "magic: no such config file"),
        (("--json", "no/such.json"), "cannot write no/such.json: the folder does not exist"),
        (("--html", "no/such.html"), "cannot write no/such.html: the folder does not exist"),
        (("no-such-folder",), "no-such-folder"),
    ],
)
def test_bad_input_is_refused_before_the_first_roll(refused, arguments, message):
    assert message in refused("bench-regions", *arguments)


@pytest.mark.parametrize("option", ["--rolls", "--photos", "--jobs"])
def test_there_is_at_least_one_of_each(partwise, option):
    ended = partwise("bench-regions", option, "0")
    assert ended.code == 2
    assert f"Invalid value for '{option}'" in ended.err
