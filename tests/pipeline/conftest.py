"""Pipelines on both brokers: the embedded one, and Apache Kafka where Java and Maven are."""

from __future__ import annotations

import pytest
from _pytest.fixtures import FixtureRequest


@pytest.fixture(params=["tansu", pytest.param("apache", marks=pytest.mark.kafka)])
def broker(request: FixtureRequest) -> str:
    """The name of a broker that this machine can run."""
    if request.param == "apache":
        request.getfixturevalue("kafka_jars")
    return str(request.param)
