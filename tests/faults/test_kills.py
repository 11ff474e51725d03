"""Whoever is killed at a random moment loses nothing and leaves nothing: ten kills each.

By hand, more of them: ``python tests/faults/kills.py --times 100``. KILLS_SEED repeats the moments
that a failure prints.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("kills.py")
GROUPS = [("fit", "score", "weights"), ("bench",), ("classes",), ("teach", "station")]


def kill(names):
    seed = os.environ.get("KILLS_SEED")
    options = [each for name in names for each in ("--only", name)]
    options += ["--seed", seed] if seed else []
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--times", "10", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
    )
    print(done.stdout)
    return done


@pytest.mark.parametrize("names", GROUPS, ids="+".join)
def test_kills_lose_nothing_and_leave_nothing(names):
    assert kill(names).returncode == 0


def test_kills_beside_a_server_lose_nothing():
    done = kill(["teach-postgresql"])
    if "is not installed" in done.stdout:
        pytest.skip("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    assert done.returncode == 0
