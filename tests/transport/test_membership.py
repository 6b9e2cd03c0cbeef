"""A static member that was replaced ends, sends nothing more and never takes its place back."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

from schemas.errors import Fault
from streams.kafka.transport import membership
from streams.kafka.transport.membership import FENCED_INSTANCE_ID, InstanceHeartbeat, StaticCoordinator

FENCED = FENCED_INSTANCE_ID
YES = errors.NoError.errno
LOADING = errors.GroupLoadInProgressError.errno
REBALANCING = errors.RebalanceInProgressError.errno
UNKNOWN = errors.UnknownMemberIdError.errno
MOVED = errors.NotCoordinatorForGroupError.errno
OLD_GENERATION = errors.IllegalGenerationError.errno


async def joins(_: object, subscription: Any) -> bool:
    return True


class Member:
    """A coordinator over a broker that answers with these error codes (or raises) in turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: int | Exception) -> None:
        self.answers, self.sent, self.told = list(answers), [], []

        async def send(_: object, request: Any) -> SimpleNamespace:
            self.sent.append(request)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return SimpleNamespace(error_code=answer)

        monkeypatch.setattr(GroupCoordinator, "_send_req", send)
        one: Any = object.__new__(StaticCoordinator)
        one.group_id, one._group_instance_id, one.member_id, one.generation = "group", "sink-a", "sink-a-1", 3
        one.coordinator_id, one._retry_backoff_ms, one.on_end = 1, 1, self.told.append
        one._coordinator_dead_fut, one._rejoin_needed_fut = SimpleNamespace(set_result=print), self
        one.ensure_coordinator_known = self.known
        self.rejoins = 0
        self.coordinator = one

    async def known(self) -> None:
        self.coordinator.coordinator_id = 1

    def done(self) -> bool:
        return False

    def set_result(self, _: None) -> None:
        self.rejoins += 1


def test_a_replaced_member_ends_and_sends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    member = Member(monkeypatch, FENCED_INSTANCE_ID)
    for _ in range(3):
        with pytest.raises(errors.KafkaError) as refused:
            asyncio.run(member.coordinator._send_req(SyncGroupRequest("group", 3, "sink-a-1", "sink-a", [])))
        assert not refused.value.retriable
    assert len(member.sent) == 1
    assert len(member.told) == 1


@pytest.mark.parametrize(("seconds", "exit_code", "whose"), [(170.0, 1, "kafka"), (190.0, 2, "settings")])
def test_only_a_member_of_long_standing_knows_that_it_has_a_twin(
    monkeypatch: pytest.MonkeyPatch, seconds: float, exit_code: int, whose: str
) -> None:
    now = 1000.0
    monkeypatch.setattr(membership, "monotonic", lambda: now)
    member = Member(monkeypatch, FENCED_INSTANCE_ID)
    monkeypatch.setattr(GroupCoordinator, "_do_rejoin_group", joins)
    asyncio.run(member.coordinator._do_rejoin_group(None))
    now += seconds
    with pytest.raises(errors.KafkaError):
        asyncio.run(member.coordinator._send_req(HeartbeatRequest("group", 3, "sink-a-1")))
    [fault] = member.told
    assert "has taken the place of the instance sink-a" in fault.what
    assert (fault.exit_code, fault.whose) == (exit_code, whose)


def test_heartbeats_carry_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    member = Member(monkeypatch, YES)
    asyncio.run(member.coordinator._send_req(HeartbeatRequest("group", 3, "sink-a-1")))
    [beat] = member.sent
    assert isinstance(beat, InstanceHeartbeat)
    struct = beat.prepare({InstanceHeartbeat.API_KEY: (0, 4)})
    assert struct.API_VERSION == 3
    assert struct.encode().endswith(b"\x00\x06sink-a")


def test_a_member_forgets_itself_only_where_a_join_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    member = Member(monkeypatch)
    member.coordinator.reset_generation()  # as a refused commit does
    assert (member.coordinator.member_id, member.rejoins) == ("sink-a-1", 1)
    member.coordinator._joining = True
    member.coordinator.reset_generation()
    assert (member.coordinator.member_id, member.rejoins) == ("", 2)


@pytest.mark.parametrize(
    ("answers", "belongs", "faults"),
    [
        ((FENCED, YES), True, 0),
        ((FENCED, REBALANCING), True, 0),
        ((UNKNOWN, UNKNOWN), False, 0),
        ((FENCED, FENCED), False, 1),
        ((YES, YES, FENCED, YES), True, 0),  # a coordinator that loads says yes to everybody
        ((LOADING, YES, FENCED, YES), True, 0),
        ((MOVED, MOVED, FENCED, OLD_GENERATION, errors.RequestTimedOutError(), FENCED, YES), True, 0),
    ],
)
def test_the_group_is_asked_until_it_answers(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[int | Exception, ...], belongs: bool, faults: int
) -> None:
    member = Member(monkeypatch, *answers)
    assert asyncio.run(member.coordinator.belongs()) is belongs
    assert (len(member.answers), len(member.told)) == (0, faults)


@pytest.mark.parametrize(
    ("answers", "refused"),
    [
        ((FENCED, YES, YES), 0),
        ((MOVED, YES, MOVED, YES), 0),
        ((YES, YES, FENCED, YES), 0),  # it was loading the group
        ((YES, YES, YES, YES), 0),  # it may still be loading it
        ((YES, YES) * 4, 1),
        ((UNKNOWN, YES) * 4, 1),
        ((NotImplementedError(),), 1),
    ],
)
def test_a_broker_that_goes_on_letting_two_be_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[int | Exception, ...], refused: int
) -> None:
    moments = iter((1.0, 2.0, 3.0, 21.0))
    monkeypatch.setattr(membership, "monotonic", lambda: next(moments))
    member = Member(monkeypatch, *answers)
    while member.answers and not member.told:
        asyncio.run(member.coordinator._do_heartbeat())
    faults: list[Fault] = member.told
    assert [fault.what for fault in faults] == refused * [
        "GROUNDSWELL_INSTANCE is set, and this broker has no static members"
    ]
