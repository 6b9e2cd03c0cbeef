"""Pipelines on the embedded broker and on Apache Kafka.

Each fault runs on one broker, the one that its test names; `GROUNDSWELL_BOTH_BROKERS=1` (`make faults`) runs it on
the other too.
"""

from __future__ import annotations

import pytest
from _pytest.fixtures import FixtureRequest


@pytest.fixture
def broker(request: FixtureRequest) -> str:
    """The name of a broker that this machine can run."""
    if request.param == "apache":
        request.getfixturevalue("kafka_jars")
    return str(request.param)
