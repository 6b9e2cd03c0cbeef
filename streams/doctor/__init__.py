"""What is exposed, and whether the settings are fit for more than one person's laptop.

Law: a finding says what was seen, by asking or by looking, never what is probably so; where nobody tells, it says that
it cannot tell.  Nothing is changed anywhere, and no secret is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streams.doctor.brokers import examine_brokers
from streams.doctor.data import examine_data
from streams.doctor.finding import Finding
from streams.doctor.here import examine_files, examine_page, examine_passwords
from streams.doctor.ways import examine_store, examine_way_to_kafka
from streams.producers.topic_rules import Plan
from streams.settings import Settings

__all__ = ["Finding", "examine"]


def examine(settings: Settings, plan: Plan, environment: Mapping[str, str], page_port: int) -> Iterator[Finding]:
    """All findings.

    Args:
        plan: how the topics shall be.
        environment: where secrets and the names of their files are.
        page_port: where the live page would listen.
    """
    yield from examine_way_to_kafka(settings)
    yield from examine_brokers(settings, plan)
    yield from examine_store(settings)
    yield from examine_data(settings)
    yield from examine_page(page_port)
    yield from examine_passwords(environment)
    yield from examine_files(settings, environment)
