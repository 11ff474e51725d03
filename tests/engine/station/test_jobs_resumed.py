import pytest

from engine.station import StationError, jobs


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_a_job_that_ended_early_is_queued_again_under_its_number(station, state):
    number = station.start_job("samples", {})
    begin(station, number)
    jobs.finish(station.database, number, state, error="out of memory")
    station.resume_job(number)
    job = station.job(number)
    assert (job.state, job.error, job.ended_at) == ("queued", None, None)
    assert not jobs.is_to_stop(station.database, number)


def test_a_job_that_waits_runs_or_is_done_stays_as_it_is(station):
    number = station.start_job("samples", {})
    station.resume_job(number)
    assert station.job(number).state == "queued"
    begin(station, number)
    station.resume_job(number)
    assert station.job(number).state == "running"
    jobs.finish(station.database, number, "done", result={"n": 1})
    station.resume_job(number)
    assert (station.job(number).state, station.job(number).result) == ("done", {"n": 1})


def test_a_job_that_is_not_there_cannot_be_resumed(station):
    with pytest.raises(StationError, match="there is no job 7 in this station"):
        station.resume_job(7)


def begin(station, number):
    with station.database.change() as connection:
        connection.execute("UPDATE jobs SET state = 'running' WHERE id = ?", (number,))
