"""More listeners of a broker, beside its plain one on loopback: with passwords, with TLS.

Clients that come in by one are told the addresses of that one.  Passwords of PLAIN stand in `server.properties`, which
only its owner can read; those of SCRAM are given to the cluster once it is up (Kafka keeps no passwords, but what
proves them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Protocol = Literal["SSL", "SASL_PLAINTEXT", "SASL_SSL"]

MODULES: Final = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class Listener:
    """One more way in.

    Args:
        name: capitals; of its own on the broker.
        protocol: as Kafka calls it.
        users: password of each user of PLAIN; none: SCRAM alone, where there is SASL at all.
        keystore: PEM file with the broker's key and certificate, where there is TLS.
        truststore: PEM file of who signs clients' certificates; None: clients show none.
    """

    name: str
    protocol: Protocol
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    keystore: Path | None = None
    truststore: Path | None = None

    def properties(self) -> dict[str, str]:
        """What `server.properties` says of it, its address apart."""
        mine = f"listener.name.{self.name.lower()}"
        lines = _sasl(mine, self.users) if self.protocol.startswith("SASL") else {}
        if self.keystore is not None:
            lines |= {f"{mine}.ssl.keystore.type": "PEM", f"{mine}.ssl.keystore.location": str(self.keystore)}
        if self.truststore is not None:
            lines |= {
                f"{mine}.ssl.client.auth": "required",
                f"{mine}.ssl.truststore.type": "PEM",
                f"{mine}.ssl.truststore.location": str(self.truststore),
            }
        return lines


def _sasl(mine: str, users: Mapping[str, str]) -> dict[str, str]:
    scram = f"{MODULES}.scram.ScramLoginModule required;"
    lines = {
        f"{mine}.sasl.enabled.mechanisms": ",".join(["SCRAM-SHA-256", "SCRAM-SHA-512", *(["PLAIN"] if users else [])]),
        f"{mine}.scram-sha-256.sasl.jaas.config": scram,
        f"{mine}.scram-sha-512.sasl.jaas.config": scram,
    }
    if users:
        known = " ".join(f'user_{name}="{password}"' for name, password in users.items())
        lines[f"{mine}.plain.sasl.jaas.config"] = f"{MODULES}.plain.PlainLoginModule required {known};"
    return lines
