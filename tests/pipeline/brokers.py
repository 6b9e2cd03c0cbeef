"""Which brokers a test runs on."""

from __future__ import annotations

import os

import pytest

APACHE = pytest.param("apache", marks=pytest.mark.kafka)


def on(broker: str) -> pytest.MarkDecorator:
    """Parametrize a test with the brokers it runs on, by the name of the one that it always runs on."""
    both = os.environ.get("GROUNDSWELL_BOTH_BROKERS") == "1"
    brokers = ["tansu", APACHE] if both else [APACHE if broker == "apache" else broker]
    return pytest.mark.parametrize("broker", brokers, indirect=True)
