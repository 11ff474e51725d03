"""Which groups of unknown regions are offered, and does their command name them?"""

import json
import os
import shlex
import shutil

import pytest


@pytest.fixture
def propose(partwise):
    def run(model, folder, *options):
        ended = partwise("region", "propose", model, folder, "--json", *options)
        assert ended.code == 0
        return json.loads(ended.out)

    return run


def names(group):
    return {each["image"].rpartition("/")[2] for each in group["members"]}


def test_groups_come_biggest_first_with_a_command_that_names_them(
    partwise, propose, untaught, plates
):
    groups = propose(untaught, plates / "new")
    assert [names(each) for each in groups] == [
        {"red1.png", "red2.png", "red3.png", "both.png"},
        {"blue1.png", "blue2.png", "both.png"},
    ]
    for group, kind, name in zip(groups, ("accepted", "defect"), ("red", "blue"), strict=True):
        words = [name if word == "NAME" else word for word in shlex.split(group["command"])]
        assert partwise(*words[1:], f"--{kind}").code == 0
    # what has a name is not offered again
    assert propose(untaught, plates / "new") == []


def test_lines_and_page_show_the_groups(partwise, taught, plates, tmp_path):
    page = tmp_path / "page.html"
    ended = partwise("region", "propose", taught, plates / "new", "-o", page)
    first, second = ended.out.splitlines()
    assert first == "group 1: 3 regions in 3 images; name it with:"
    assert second.startswith(f"  partwise region teach {taught} {plates / 'new'}")
    html = page.read_text()
    assert html.count("data:image/") == 3
    assert second.strip() in html
    assert "http" not in html


def test_a_broken_image_stops_no_other(partwise, untaught, plates, tmp_path):
    shutil.copytree(plates / "new", tmp_path / "new")
    (tmp_path / "new" / "a.png").touch()
    ended = partwise("region", "propose", untaught, tmp_path / "new", "--json")
    assert ended.code == 1
    assert ended.err.startswith(f"Error: {tmp_path / 'new' / 'a.png'} is empty")
    assert len(json.loads(ended.out)) == 2


@pytest.mark.parametrize("kind", ["pipe", "device", "over-large", "empty"])
def test_of_images_that_cannot_be_read_only_the_reason_is_said(partwise, untaught, tmp_path, kind):
    path, page = tmp_path / "f", tmp_path / "page.html"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
        os.truncate(path, 2**42 if kind == "over-large" else 0)
    ended = partwise("region", "propose", untaught, path, "-o", page)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"Error: {path} is ")
    assert ended.err.count("\n") == 1
    assert not page.exists()
    assert partwise("region", "propose", untaught, path, "--json").out == "[]\n"


def test_nothing_new_is_said(partwise, untaught, plates):
    ended = partwise("region", "propose", untaught, plates / "references")
    assert ended.out == "4 images have no unknown regions that resemble each other\n"


def test_bad_input(refused, untaught, plates, tmp_path):
    words = ("region", "propose", untaught)
    assert "no such file or folder" in refused(*words, tmp_path / "none")
    good = plates / "new" / "good.png"
    assert "it is one of the inputs" in refused(*words, plates / "new", "-o", good)
    assert "create it first" in refused(*words, plates / "new", "-o", tmp_path / "no" / "x.html")
