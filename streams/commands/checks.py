"""Questions asked before a long run begins, so that a wrong setting is one line and not a stack trace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from clickhouse_connect.driver.exceptions import ClickHouseError

from infra.clickhouse.migrate import refuse_another_version
from schemas.errors import Unreachable
from streams.clickhouse.client import StoreUnavailable, connect, store_id, translate
from streams.clickhouse.landed import Home
from streams.kafka.admin import admin, topic_ids
from streams.kafka.connectivity import any_answers, check_entry, nobody_answers
from streams.retries import Availability, retry
from streams.settings import Settings

Answer = TypeVar("Answer")
logger = logging.getLogger("groundswell.checks")

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
AGAIN_SECONDS = 1.0


def check_kafka(settings: Settings) -> None:
    """Whether any broker listens, and lets us in.

    Raises:
        Unreachable: none does.
        Fault: one listens and refuses us.
    """
    if not asyncio.run(any_answers(settings.brokers, CONNECT_SECONDS)):
        raise nobody_answers(settings.kafka)
    if not settings.security.is_plain:
        asyncio.run(check_entry(settings.brokers, settings.security, CONNECT_SECONDS))


def patiently(ask: Callable[[], Answer], within: float = ANSWER_SECONDS) -> Answer:
    """Ask again while brokers come and go: one of three that dies as a worker starts is nobody's fault.

    Raises:
        Fault: what the question raises; `Unreachable` after so many seconds without an answer.
    """
    return retry(ask, Unreachable, lambda away: logger.warning("asked again: %s", away), AGAIN_SECONDS, within)


def home_of_the_sink(settings: Settings) -> Home:
    """The store and the topics that a sink stands between; waits while the store is away.

    Raises:
        Fault: the store refuses the user, has no such database, or is of another version of this program.
    """

    def ids() -> dict[str, str]:
        with admin(settings.brokers, settings.security) as client:
            return topic_ids(client)

    return Home(_settled_store(settings), patiently(ids))


def _settled_store(settings: Settings) -> str:
    """The id of the store, once it answers and has every table that this program knows."""
    availability = Availability(f"ClickHouse at {settings.store_shown}", logger)
    store = retry(lambda: _look_at_store(settings), StoreUnavailable, availability.lost, AGAIN_SECONDS)
    availability.answers()
    return store


def _look_at_store(settings: Settings) -> str:
    client = connect(settings.store)
    try:
        refuse_another_version(client)
        return store_id(client)
    except (ClickHouseError, OSError) as error:
        raise translate(error, settings.store_shown) from error
    finally:
        client.close()
