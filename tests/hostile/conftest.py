"""One bench per tier, shared by the cases that are tried on it."""

import sys

import pytest

from tests.hostile.tiers import available

collect_ignore = [] if sys.platform == "linux" else ["test_sample.py"]


@pytest.fixture(scope="session", params=available())
def tier(request):
    """Every isolation tier that can be tried here; `tiers.py` lists them."""
    return request.param


@pytest.fixture(scope="session")
def bench(tier):
    """A machine with something to steal, and a prepared host in this tier."""
    from tests.hostile.trial import Bench

    with Bench(tier) as bench:
        yield bench
