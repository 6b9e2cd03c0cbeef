"""A broker that gives one kind of client so many bytes a second and no more: how a state load is made long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kafka import KafkaAdminClient
from kafka.protocol.admin.client_quotas import AlterClientQuotasRequest

from schemas.errors import Fault

RATE: Final = "consumer_byte_rate"  # of each broker


def limit(brokers: Sequence[str], client_id: str, bytes_a_second: int | None) -> None:
    """Set how much each broker gives to clients of that id; None: as much as they want.

    Raises:
        Fault: the cluster does not take it.
    """
    make = AlterClientQuotasRequest.EntryData
    remove = bytes_a_second is None
    entry = make(
        entity=[make.EntityData(entity_type="client-id", entity_name=client_id)],
        ops=[make.OpData(key=RATE, value=float(bytes_a_second or 0), remove=remove)],
    )
    admin = KafkaAdminClient(bootstrap_servers=list(brokers))
    try:
        request = AlterClientQuotasRequest(entries=[entry], validate_only=False)
        answer = admin._manager.run(admin._manager.send, request)  # the client has no method of its own for it
    finally:
        admin.close()
    for result in answer.entries:
        if result.error_code:
            raise Fault("kafka", f"the quota is not taken ({result.error_message})", "Look at the brokers' logs.")
