"""A folder lists what can be chosen from it, and never leads out of the roots."""

import pytest

from ui.text import MAX_SHOWN, is_below, list_folder, short_path


@pytest.fixture
def root(tmp_path):
    made = tmp_path / "photographs"
    (made / "good" / "deep").mkdir(parents=True)
    (made / "bad").mkdir()
    (made / ".hidden").mkdir()
    (made / "a.PNG").write_bytes(b"")
    (made / ".b.png").write_bytes(b"")
    (made / "notes.txt").write_bytes(b"")
    (made / "out").symlink_to(tmp_path, target_is_directory=True)
    return made


def test_folders_come_by_name_without_hidden_ones_and_links(root):
    seen = list_folder(root, [root])
    assert seen.children == ("bad", "good")
    assert seen.n_images == 1


def test_the_way_up_ends_at_the_root(root):
    assert list_folder(root, [root]).parent is None
    assert list_folder(root / "good" / "deep", [root]).parent == root / "good"


def test_more_folders_than_a_person_reads_are_counted(root):
    for number in range(MAX_SHOWN + 3):
        (root / "good" / f"{number:04}").mkdir()
    seen = list_folder(root / "good", [root])
    assert (len(seen.children), seen.n_hidden) == (MAX_SHOWN, 4)


def test_a_folder_is_named_from_its_root_on(root):
    assert short_path(root / "good", [root]) == "photographs/good"
    assert short_path(root.parent, [root]) == str(root.parent)
    assert is_below(root / "good", [root])
    assert not is_below(root.parent, [root])


def test_a_folder_that_is_gone_is_an_error(root):
    with pytest.raises(FileNotFoundError, match="gone"):
        list_folder(root / "gone", [root])


def test_what_is_not_read_is_said(root):
    assert list_folder(root, [root]).left_out == ""
    (root / "c.JP2").write_bytes(b"")
    (root / "good" / "d.png").write_bytes(b"")
    assert list_folder(root, [root]).left_out == "1 file left out: 1 .jp2"
