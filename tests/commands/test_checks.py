"""Questions before a worker starts: a broker that goes away amid one is asked again, a refusal is not."""

from __future__ import annotations

import pytest
from kafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from schemas.errors import Fault
from streams.clickhouse.client import StoreUnavailable
from streams.commands import checks
from streams.kafka import admin as module
from streams.kafka.admin import BrokerUnavailable, admin
from streams.settings import Settings


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "AGAIN_SECONDS", 0.0)


class Client:
    """An admin client that connects at once."""

    def __init__(self, **_: object) -> None: ...

    def close(self) -> None: ...


def test_a_broker_that_goes_away_amid_a_question_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KafkaAdminClient", Client)
    with pytest.raises(BrokerUnavailable), admin(["127.0.0.1:1"]):
        raise KafkaConnectionError("111 ECONNREFUSED")


def test_one_that_refuses_is_a_fault_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KafkaAdminClient", Client)
    with pytest.raises(Fault) as caught, admin(["127.0.0.1:1"]):
        raise TopicAuthorizationFailedError("clicks")
    assert not isinstance(caught.value, BrokerUnavailable)


def test_a_question_is_asked_again_until_it_is_answered() -> None:
    answers = iter([BrokerUnavailable("kafka", "away", "Wait."), BrokerUnavailable("kafka", "away", "Wait."), None])
    asked = []

    def ask() -> None:
        answer = next(answers)
        asked.append(answer)
        if answer is not None:
            raise answer

    checks.patiently(ask)
    assert len(asked) == 3


def test_patience_ends() -> None:
    def ask() -> None:
        raise BrokerUnavailable("kafka", "away", "Wait.")

    with pytest.raises(BrokerUnavailable):
        checks.patiently(ask, within=0.05)


def test_a_fault_is_not_asked_again() -> None:
    asked = []

    def ask() -> None:
        asked.append(1)
        raise Fault("kafka", "topics are wrong", "Mend them.")

    with pytest.raises(Fault):
        checks.patiently(ask)
    assert len(asked) == 1


def test_a_sink_that_starts_waits_for_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([StoreUnavailable("ClickHouse is away"), StoreUnavailable("ClickHouse is away"), "id"])

    def look(_: Settings) -> str:
        answer = next(answers)
        if isinstance(answer, StoreUnavailable):
            raise answer
        return answer

    monkeypatch.setattr(checks, "_look_at_store", look)
    assert checks._settled_store(Settings()) == "id"
    assert next(answers, None) is None
