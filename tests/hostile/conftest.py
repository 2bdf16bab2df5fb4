"""One bench per tier, shared by the cases that are tried on it."""

import sys

import pytest

from tests.hostile.tiers import TIERS, why_not

collect_ignore = [] if sys.platform == "linux" else ["test_sample.py"]


@pytest.fixture(scope="session", params=TIERS)
def tier(request):
    """Every isolation tier that can be tried here."""
    reason = why_not(request.param)
    if reason is not None:
        pytest.skip(reason)
    return request.param


@pytest.fixture(scope="session")
def bench(tier):
    """A machine with something to steal, and a prepared host in this tier."""
    from tests.hostile.trial import Bench

    with Bench(tier) as bench:
        yield bench
