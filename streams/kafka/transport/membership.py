"""A place in the group that outlives its process: static membership (Kafka's `group.instance.id`, KIP-345).

Law: a member that was replaced never joins again, and publishes nothing that the group has not vouched for.

A worker that is replaced shortly after it joined cannot know by whom: a join of its predecessor, or its own first try,
may lie in the socket of a broker that hangs, and is carried out after the second try.  It ends with exit code 1, so
that a supervisor starts it again; the stray join never does.  A worker that is replaced later has a twin: exit code 2.

A worker that starts under the instance id of one before it takes its place at once, dead or not.  aiokafka 0.14 sends
the id when it joins and synchronises, not with heartbeats: the replaced one hears UNKNOWN_MEMBER_ID there, as if its
session had ended, joins anew and takes the place back, and so on for ever.  So our heartbeats carry the id (version 3):
the answer to a replaced one is FENCED_INSTANCE_ID, and it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar, Final

import aiokafka
from aiokafka import errors
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.api import Request, RequestStruct
from aiokafka.protocol.group import HeartbeatRequest, HeartbeatResponse_v1
from aiokafka.protocol.types import Int32, Schema, String

from schemas.errors import Fault

FENCED_INSTANCE_ID: Final = 82  # unknown to aiokafka 0.14
DOUBT_SECONDS: Final = 20.0  # longer than a coordinator takes to load a group
DOUBTS: Final = 4  # a process that was paused between two answers has not doubted for that long
# A join without a member id that a hung broker or a retransmitting kernel still holds replaces whoever joined since.
# A kernel retransmits the data of a dead process for about 100 s.
STRAY_JOIN_SECONDS: Final = 180.0
BELONGS: Final = (errors.NoError, errors.RebalanceInProgressError)
MOVED: Final = (errors.NotCoordinatorForGroupError, errors.GroupCoordinatorNotAvailableError)


class Displaced(Fault):
    """The place was taken by a live worker or by a stray join; a start settles which, so the exit code is 1."""

    exit_code = 1


class InstanceHeartbeatResponse(HeartbeatResponse_v1):
    API_VERSION = 3


class InstanceHeartbeatStruct(RequestStruct):
    """Version 3, the first one with the instance id."""

    API_KEY = HeartbeatRequest.API_KEY
    API_VERSION = 3
    RESPONSE_TYPE = InstanceHeartbeatResponse
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("generation_id", Int32),
        ("member_id", String("utf-8")),
        ("group_instance_id", String("utf-8")),
    )


class InstanceHeartbeat(Request[InstanceHeartbeatStruct]):
    """A heartbeat of a static member; a broker that knows no such one is a `NotImplementedError` of aiokafka's."""

    API_KEY: ClassVar[int] = HeartbeatRequest.API_KEY

    def __init__(self, group: str, generation: int, member: str, instance: str) -> None:
        self._fields = group, generation, member, instance

    def build(self, request_struct_class: type[InstanceHeartbeatStruct]) -> InstanceHeartbeatStruct:
        return request_struct_class(*self._fields)


class StaticCoordinator(GroupCoordinator):
    """aiokafka's coordinator, for a member with an instance id."""

    on_end: Callable[[Fault], None]
    ended = False  # replaced, or without a broker that has static members
    _joining = False
    _proven = False  # whether this broker would tell us
    _doubts = 0
    _doubted_since = 0.0  # monotonic, of the first doubt
    _joined_at: float | None = None  # monotonic; when this process first asked to join

    async def _send_req(self, request: Any) -> Any:
        """As aiokafka's; a fence is found in every answer, and nothing is sent behind one.

        Raises:
            KafkaError: not to be tried again, where this member has ended.
        """
        if self.ended:
            raise errors.KafkaError("this member has ended")
        if isinstance(request, HeartbeatRequest):
            request = InstanceHeartbeat(self.group_id, self.generation, self.member_id, self._group_instance_id)
        try:
            answer = await super()._send_req(request)
        except NotImplementedError as error:
            raise self._end(_without_static_members()) from error
        if getattr(answer, "error_code", 0) == FENCED_INSTANCE_ID:
            raise self._end(self._replaced())
        return answer

    def _end(self, fault: Fault) -> errors.KafkaError:
        self.ended = True
        self.on_end(fault)
        return errors.KafkaError(str(fault))

    def _replaced(self) -> Fault:
        if self._joined_at is None or monotonic() - self._joined_at < STRAY_JOIN_SECONDS:
            return _displaced(self._group_instance_id)
        return _replaced(self._group_instance_id)

    async def _do_heartbeat(self) -> bool:
        if not self._proven:
            await self._prove()
        return bool(await super()._do_heartbeat())

    async def _prove(self) -> None:
        """See that this broker refuses a stranger under our instance id; one that does not lets two be one.

        The embedded broker of the demo is such: it takes the id and does nothing with it.  A coordinator that has
        just taken over accepts every member until it has loaded the group, so its answer counts after a while.
        """
        try:
            refused = await self._refuses_a_stranger()
        except NotImplementedError:
            self._end(_without_static_members())
            return
        except errors.KafkaError:
            return  # asked again with the next heartbeat
        if refused is not False:
            self._proven = bool(refused)
            return
        now = monotonic()
        if not self._doubts:
            self._doubted_since = now
        self._doubts += 1
        if self._doubts >= DOUBTS and now - self._doubted_since >= DOUBT_SECONDS:
            self._end(_without_static_members())

    async def _refuses_a_stranger(self) -> bool | None:
        """Beat as a stranger under our instance id; None: the one that was asked cannot know."""
        stranger = InstanceHeartbeat(self.group_id, self.generation, "a stranger", self._group_instance_id)
        code = (await super()._send_req(stranger)).error_code
        if code == FENCED_INSTANCE_ID:
            return True
        return None if errors.for_code(code) in (*MOVED, errors.GroupLoadInProgressError) else False

    async def _do_rejoin_group(self, subscription: Any) -> bool:
        self._joining = True
        self._doubts = 0  # whoever is no member is no stranger's victim
        if self._joined_at is None:
            self._joined_at = monotonic()
        try:
            return bool(await super()._do_rejoin_group(subscription))
        finally:
            self._joining = False

    def reset_generation(self) -> None:
        """Forget the member id only where the answer to a join demands it.

        Commits do not carry the instance id: their error may mean that we were replaced.  A join under the old
        member id and the instance id asks which it is.
        """
        if self._joining:
            super().reset_generation()
        else:
            self.request_rejoin()

    async def belongs(self) -> bool:
        """Ask the group whether this member is in it, neither replaced nor forgotten; waits for an answer.

        A yes counts from a coordinator that refuses a stranger: one that is still loading the group accepts everybody.
        """
        while not self.ended:
            member = self.member_id
            try:
                await self.ensure_coordinator_known()
                node = self.coordinator_id
                knows = await self._refuses_a_stranger()
                answer = await self._send_req(HeartbeatRequest(self.group_id, self.generation, member))
            except errors.KafkaError:
                await self._wait_a_little()
                continue
            error = errors.for_code(answer.error_code)
            if error in BELONGS and knows and node == self.coordinator_id:
                return True
            if error is errors.UnknownMemberIdError and member == self.member_id and not self._joining:
                return False
            if error in MOVED:
                self.coordinator_dead()
            await self._wait_a_little()  # a generation that we are about to learn of, or a coordinator that loads
        return False

    async def _wait_a_little(self) -> None:
        await asyncio.sleep(self._retry_backoff_ms / 1000)


class StaticConsumer(aiokafka.AIOKafkaConsumer):
    """aiokafka's consumer with that coordinator.

    Args:
        on_end: called in the consumer's thread with why this member has ended.
    """

    def __init__(self, *topics: str, on_end: Callable[[Fault], None], **arguments: Any) -> None:
        super().__init__(*topics, **arguments)
        self._on_end = on_end

    async def start(self) -> None:
        await super().start()
        # aiokafka names the class amid start().  Nothing is subscribed to, so the coordinator has asked nothing yet.
        self._coordinator.__class__ = StaticCoordinator
        self._coordinator.on_end = self._on_end

    async def belongs(self) -> bool:
        return bool(await self._coordinator.belongs())


def _replaced(instance: str) -> Fault:
    return Fault(
        "settings",
        f"another worker has taken the place of the instance {instance}: two share one GROUNDSWELL_INSTANCE",
        "The newer one goes on; give each worker of a role a name of its own.",
    )


def _displaced(instance: str) -> Fault:
    return Displaced(
        "kafka",
        f"another process has taken the place of the instance {instance}: a second worker with this "
        "GROUNDSWELL_INSTANCE, or an earlier join that a broker kept while it hung",
        "Start this worker again, as its supervisor does; if it recurs, give each worker of a role a name of its own.",
    )


def _without_static_members() -> Fault:
    return Fault(
        "settings",
        "GROUNDSWELL_INSTANCE is set, and this broker has no static members",
        "Unset it, or use Apache Kafka 2.3 or newer.",
    )
