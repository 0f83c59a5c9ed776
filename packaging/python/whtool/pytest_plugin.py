"""Fixture `whtool`: a function that starts listeners with the arguments of `whtool.Whtool`, and ends them after the test."""

import pytest

from . import Whtool


@pytest.fixture
def whtool():
    started = []

    def start(*args, **options):
        started.append(Whtool(*args, **options))
        return started[-1]

    yield start
    for listener in started:
        listener.stop()
