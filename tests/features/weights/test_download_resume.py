import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from features.weights.download import fetch
from features.weights.errors import WeightsError
from features.weights.registry import WeightsFile
from features.weights.servers import UnreachableError, ask_hub

MODEL_PATH = "facebook/dinov2-small/model.safetensors"
NAME = "model.safetensors"


@pytest.fixture
def ask(hub, small, retry):
    """Ask about the tensors of the small network."""

    def run(token=None):
        place = (hub.url, "facebook/dinov2-small", "main")
        return ask_hub(place, WeightsFile(NAME), token, retry)

    return run


@pytest.fixture
def remote(ask):
    return ask()


@pytest.fixture
def get(remote, tmp_path, retry):
    def run(changed=None, **options):
        target = tmp_path / NAME
        return fetch(changed or remote, target, retry=retry, **options), target

    return run


def names(folder):
    return sorted(each.name for each in folder.iterdir() if each.is_file())


def test_a_file_arrives_whole_and_alone(get, model, tmp_path):
    stages = []
    found, target = get(tell=lambda *each: stages.append(each))
    assert target.read_bytes() == model
    assert (found.name, found.size) == (NAME, len(model))
    assert names(tmp_path) == [NAME]
    assert (f"fetching {NAME}", len(model), len(model)) in stages
    assert stages[-1] == (f"checking {NAME}", len(model), len(model))


def test_a_file_that_is_here_whole_needs_neither_network_nor_room(get, hub):
    expected, target = get()
    hub.log = []
    assert get(free=lambda folder: 0) == (expected, target)
    assert hub.log == []


def test_another_file_in_its_place_is_replaced(get, model, tmp_path):
    (tmp_path / NAME).write_bytes(b"other")
    assert get()[1].read_bytes() == model


def test_the_token_is_shown_to_the_hub_alone(hub, ask, get):
    hub.token, hub.log = "hf_secret", []
    remote = ask("hf_secret")
    get(remote)
    assert {each["authorization"] for each in hub.log if not each["storage"]} == {
        "Bearer hf_secret"
    }
    assert {each["authorization"] for each in hub.log if each["storage"]} == {None}
    assert "hf_secret" not in repr(remote)


def test_after_a_cut_only_the_rest_is_asked_for(get, hub, model):
    hub.faults = [("cut", 1_000_000), ("cut", 500_000)]
    _, target = get()
    assert target.read_bytes() == model
    assert [each["range"] for each in hub.asked()] == [None, "bytes=1000000-", "bytes=1500000-"]
    tags = [each["if_range"] for each in hub.asked()]
    assert tags[0] is None
    assert tags[1] == tags[2] != None  # noqa: E711


def test_an_attempt_that_got_on_renews_patience(get, hub, model, retry):
    hub.faults = [("cut", 100_000)] * (2 * len(retry.waits_s))
    _, target = get()
    assert target.read_bytes() == model


def test_what_an_earlier_process_got_is_kept(get, hub, model, retry, tmp_path):
    hub.faults = [("cut", 1_000_000)] + [503] * 10
    with pytest.raises(UnreachableError, match=r"HTTP 503; gave up after 4 attempts, run again"):
        get()
    assert names(tmp_path) == [f"{NAME}.part", f"{NAME}.part.json"]
    hub.faults, hub.log = [], []
    _, target = get()
    assert target.read_bytes() == model
    assert [each["range"] for each in hub.asked()] == ["bytes=1000000-"]
    assert names(tmp_path) == [NAME]


def test_a_server_that_knows_no_ranges_sends_all_again(get, hub, model):
    hub.has_ranges = False
    hub.faults = [("cut", 1_000_000)]
    _, target = get()
    assert target.read_bytes() == model
    assert [each["range"] for each in hub.asked()] == [None, "bytes=1000000-"]


def test_without_tag_and_sum_bytes_are_not_mixed(get, hub, model, remote):
    unsummed = replace(remote, file=replace(remote.file, sha256=None))
    hub.has_tags = False
    hub.faults = [("cut", 1_000_000)] + [503] * 10
    with pytest.raises(UnreachableError):
        get(unsummed)
    hub.faults, hub.log = [], []
    _, target = get(unsummed)
    assert target.read_bytes() == model
    assert [each["range"] for each in hub.asked()] == [None]


def test_another_file_published_meanwhile_is_fetched_anew(get, hub, model, ask):
    hub.faults = [("cut", 1_000_000)] + [503] * 10
    with pytest.raises(UnreachableError):
        get()
    other = model[:-1] + bytes([model[-1] ^ 1])
    hub.files[MODEL_PATH] = other
    hub.faults, hub.log = [], []
    _, target = get(ask())
    assert target.read_bytes() == other
    assert [each["range"] for each in hub.asked()] == [None]


def test_a_file_that_changes_while_it_is_fetched_is_fetched_anew(get, hub, model, remote):
    unsummed = replace(remote, file=replace(remote.file, sha256=None))
    other = model[:-1] + bytes([model[-1] ^ 1])

    def tell(stage, done, total):
        if done >= 1_000_000:
            hub.files[MODEL_PATH] = other

    hub.faults = [("cut", 1_000_000)]
    _, target = get(unsummed, tell=tell)
    assert target.read_bytes() == other  # the tag no longer matched: all of it came again


@pytest.mark.parametrize("fault", [500, 502, 503, 504, 429, 408])
def test_a_passing_failure_is_tried_again(get, hub, model, fault):
    hub.faults = [fault]
    assert get()[1].read_bytes() == model


def test_silence_is_a_broken_line(get, hub, model):
    hub.faults = [("slow", 6.0)]
    started = time.perf_counter()
    assert get()[1].read_bytes() == model
    assert time.perf_counter() - started < 6.0
    assert hub.asked()[1]["range"] == "bytes=1000-"


def test_a_short_wait_is_granted(get, hub, model):
    hub.faults, hub.retry_after = [503], "0"
    assert get()[1].read_bytes() == model


def test_a_long_wait_is_reported(get, hub):
    hub.faults, hub.retry_after = [503], "3600"
    with pytest.raises(UnreachableError, match=r"HTTP 503 and asks to wait 3,600 s; run again"):
        get()


def test_a_date_to_wait_for_is_understood(get, hub):
    hub.faults, hub.retry_after = [503], "Fri, 31 Dec 2100 23:59:59 GMT"
    with pytest.raises(UnreachableError, match=r"asks to wait [\d,]{10,} s"):
        get()


@pytest.mark.parametrize("unreadable", ["soon", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_a_wait_that_is_over_or_not_understood_is_none(get, hub, model, unreadable):
    hub.faults, hub.retry_after = [503], unreadable
    assert get()[1].read_bytes() == model


def test_a_wrong_sum_leaves_nothing(get, hub, model, remote, tmp_path):
    hub.files[MODEL_PATH] = model[:-1] + bytes([model[-1] ^ 1])
    with pytest.raises(
        WeightsError,
        match=r"gave a wrong file, which was deleted: .* expected SHA-256 .*; run again",
    ):
        get()
    assert names(tmp_path) == []


def test_a_file_of_another_kind_leaves_nothing(get, hub, remote, tmp_path):
    page = b"<html>Please log in</html>"
    hub.files[MODEL_PATH] = page
    with pytest.raises(WeightsError, match=r"wrong file, which was deleted: .* is corrupted"):
        get(replace(remote, file=WeightsFile(NAME)))
    assert names(tmp_path) == []


def test_a_disk_too_small_is_said_beforehand(get, hub, model, tmp_path):
    with pytest.raises(
        WeightsError,
        match=rf"the disk of .* is full: {len(model):,} bytes more .*, 5 are free; make",
    ):
        get(free=lambda folder: 5)
    assert hub.asked() == []


def test_only_what_is_missing_must_fit(get, hub, model):
    hub.faults = [("cut", 1_000_000)] + [503] * 10
    with pytest.raises(UnreachableError):
        get()
    hub.faults = []
    assert get(free=lambda folder: len(model) - 1_000_000)[1].read_bytes() == model


FULL = """
import resource, signal, sys
from pathlib import Path
from features.weights.download import fetch
from features.weights.errors import WeightsError
from features.weights.registry import WeightsFile
from features.weights.servers import Remote
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
file = WeightsFile("x", int(sys.argv[2]), sys.argv[3])
try:
    fetch(Remote(sys.argv[1], file), Path(sys.argv[4]))
except WeightsError as error:
    print(error)
"""


def test_a_disk_that_fills_up_keeps_what_has_arrived(hub, remote, model, get, tmp_path):
    arguments = [remote.url, str(len(model)), remote.file.sha256, str(tmp_path / NAME)]
    run = [sys.executable, "-c", FULL, *arguments]
    said = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert "is full: 3,000" in said
    assert "make room, or set PARTWISE_WEIGHTS to a folder on another disk" in said
    assert (tmp_path / f"{NAME}.part").stat().st_size == 1_000_000
    hub.log = []
    assert get()[1].read_bytes() == model
    assert [each["range"] for each in hub.asked()] == ["bytes=1000000-"]


INTERRUPTED = """
import sys
from pathlib import Path
from features.weights.download import fetch
from features.weights.registry import WeightsFile
from features.weights.servers import Remote
file = WeightsFile("x", int(sys.argv[2]), sys.argv[3])
fetch(Remote(sys.argv[1], file), Path(sys.argv[4]))
"""


def test_ctrl_c_keeps_what_has_arrived(hub, remote, model, get, tmp_path):
    hub.faults = [("slow", 20.0)]
    part = tmp_path / f"{NAME}.part"
    arguments = [remote.url, str(len(model)), remote.file.sha256, str(tmp_path / NAME)]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *arguments], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not hub.asked() or not part.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)  # for the first thousand bytes
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=30)[1]
    assert part.stat().st_size == 1000
    hub.log = []
    assert get()[1].read_bytes() == model
    assert [each["range"] for each in hub.asked()] == ["bytes=1000-"]


def test_a_continuation_from_elsewhere_is_thrown_away(get, hub, model):
    hub.faults = [("cut", 1_000_000), ("lie", 5)]
    assert get()[1].read_bytes() == model
    assert [each["range"] for each in hub.asked()] == [None, "bytes=1000000-", None]


def test_of_a_file_of_unknown_size_a_cut_shows_in_what_was_announced(get, hub, remote, model):
    hub.faults = [("cut", 1_000_000)]
    told = []
    _, target = get(
        replace(remote, file=WeightsFile(NAME)), tell=lambda stage, *each: told.append(each)
    )
    assert target.read_bytes() == model
    assert [each["range"] for each in hub.asked()] == [None, "bytes=1000000-"]
    assert {total for _, total in told} == {len(model)}


def test_where_nothing_is_announced_a_cut_shows_in_the_structure(get, hub, remote, tmp_path):
    hub.has_lengths = False
    hub.faults = [("cut", 1_000_000)]
    with pytest.raises(WeightsError, match=r"wrong file, which was deleted: .* is corrupted"):
        get(replace(remote, file=WeightsFile(NAME)))
    assert names(tmp_path) == []


def test_what_is_longer_than_the_file_is_fetched_anew(get, hub, model, remote, tmp_path):
    unknown = replace(remote, file=WeightsFile(NAME))
    part = tmp_path / f"{NAME}.part"
    part.write_bytes(model)
    notes = {"tag": f'"{remote.file.sha256[:8]}"', "size": None, "sha256": None}
    part.with_name(f"{part.name}.json").write_text(json.dumps(notes))
    assert get(unknown)[1].read_bytes() == model
    assert [each["range"] for each in hub.asked()] == [f"bytes={len(model)}-", None]
