"""The queue in words: how much is judged, and what was found."""

from engine.station import Tally
from ui.inspect_page.progress import progress_text, settled_text


def test_a_batch_says_how_far_it_is_and_what_it_found():
    assert progress_text(Tally(queued=3)) == "0 of 3 images judged"
    tally = Tally(queued=28, running=1, done=12, normal=11, anomaly=1)
    assert progress_text(tally) == "12 of 41 images judged, 1 anomaly, 11 normal"


def test_what_failed_or_was_cancelled_is_said_too():
    tally = Tally(done=2, normal=2, failed=1, cancelled=4)
    assert settled_text(tally) == "7 images: 0 anomalies, 2 normal, 1 not judged, 4 cancelled"


def test_an_empty_station_says_what_to_do():
    assert settled_text(Tally()) == "No images yet: drop some above"
