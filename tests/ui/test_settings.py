"""What the app is given at start: paths, and secrets that no list of processes shows."""

from pathlib import Path

import pytest

from ui.settings import read_settings


def test_paths_are_absolute_and_default_to_where_the_app_was_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = read_settings([], {})
    assert settings.station == tmp_path / "partwise.station"
    assert settings.roots == (tmp_path,)
    assert settings.model is settings.library is settings.password is None
    assert not settings.is_guarded


def test_the_station_lies_beside_the_model_unless_said_otherwise(tmp_path):
    model = tmp_path / "board.pw"
    assert read_settings(["--model", str(model)], {}).station == tmp_path / "board.station"
    chosen = read_settings(["--model", str(model), "--station", str(tmp_path / "here")], {})
    assert (chosen.model, chosen.station) == (model, tmp_path / "here")


def test_roots_can_be_several():
    assert read_settings(["--root", "/a", "--root", "/b"], {}).roots == (Path("/a"), Path("/b"))


def test_what_may_hold_a_password_comes_through_the_environment():
    secret = "postgresql://line3:s3cret@db/parts"
    settings = read_settings([], {"PARTWISE_LIBRARY": secret, "PARTWISE_PASSWORD": "open sesame"})
    assert settings.library == secret
    assert settings.password == "open sesame"
    assert settings.is_guarded
    assert "s3cret" not in repr(settings)
    assert "sesame" not in repr(settings)


def test_an_empty_variable_is_none():
    settings = read_settings([], {"PARTWISE_LIBRARY": "", "PARTWISE_PASSWORD": ""})
    assert settings.library is settings.password is None


def test_a_password_file_counts_more_and_may_end_with_a_line(tmp_path):
    file = tmp_path / "password"
    file.write_text(" with blanks \r\n")
    settings = read_settings(["--password-file", str(file)], {"PARTWISE_PASSWORD": "other"})
    assert settings.password == " with blanks "


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), (b"", "empty file"), (b" \n", "empty file"), (b"\xff\xfe", "UTF|utf")],
)
def test_a_password_file_without_password_is_refused(tmp_path, content, message):
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_settings(["--password-file", str(file)], {})
