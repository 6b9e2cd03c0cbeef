"""Settings: one frozen record, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from schemas.campaign import Campaign, load_campaigns
from schemas.codec import Codec
from schemas.errors import Fault
from schemas.secret import FILE, KAFKA_PASSWORD, STORE_PASSWORD, both_set, read_secret, secret
from schemas.topics import HORIZON_DAYS
from streams.settings.kafka_security import MECHANISMS, PROTOCOLS, Security
from streams.settings.store_address import check_address, with_password

PREFIX: Final = "GROUNDSWELL_"
ROLE_NAMES: Final = ("attribution", "conversion", "sink")
_NOT_SHOWN: Final = frozenset({"kafka_password", "store", "store_password"})
CAMPAIGNS_HERE: Final = Path(__file__).parents[2] / "infra" / "campaigns"


class Settings(Struct, frozen=True):
    """Every setting there is; `GROUNDSWELL_<NAME>` in the environment sets the field of that name.

    Times are in seconds.  The defaults are fit for a laptop only: no password, loopback addresses.  The password of
    the store is in `store`, wherever it came from; no representation shows a password.
    """

    kafka: str = "127.0.0.1:9092"
    kafka_security: Annotated[str, Meta(pattern=f"^({'|'.join(PROTOCOLS)})$")] = "plaintext"
    kafka_sasl_mechanism: Annotated[str, Meta(pattern=f"^({'|'.join(MECHANISMS)})$")] = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: str = ""
    kafka_password_file: str = ""
    kafka_ca: str = ""
    kafka_certificate: str = ""
    kafka_key: str = ""
    store: str = "clickhouse://default@127.0.0.1:8123/groundswell"
    store_password: str = ""
    store_password_file: str = ""
    prefix: str = ""
    campaigns: str = str(CAMPAIGNS_HERE)
    partitions: Annotated[int, Meta(ge=1, le=1024)] = 4
    replication: Annotated[int, Meta(ge=1, le=10)] = 1
    horizon_days: Annotated[int, Meta(ge=1, le=366)] = HORIZON_DAYS
    # -1 keeps for ever: needed where history is played, because Kafka deletes by record time.
    retention_days: int | None = None
    # "wall": a silent partition ticks with the clock.  "played": time passes only as records and heartbeats say.
    clock: Annotated[str, Meta(pattern="^(wall|played)$")] = "wall"
    flush_interval: Annotated[float, Meta(gt=0, le=60)] = 0.25
    checkpoint_interval: Annotated[float, Meta(gt=0, le=3600)] = 30.0
    session_timeout: Annotated[float, Meta(ge=1, le=300)] = 20.0
    # This worker's name among those of its role, the same after a restart, which then takes its place at once.
    instance: Annotated[str, Meta(pattern="^[A-Za-z0-9._-]{0,200}$")] = ""
    rebalance_timeout: Annotated[float, Meta(ge=1, le=300)] = 20.0
    # After so many dead letters in a row a worker stops: a deploy has turned everything bad.  0: never.
    dead_letter_limit: Annotated[int, Meta(ge=0)] = 10_000
    # A worker that stands still in front of a lag for so long ends, and its supervisor starts it again.
    stuck_after: Annotated[float, Meta(ge=5, le=3600)] = 120.0
    # /metrics, /healthz, /readyz: attribution on this port, conversion on the next, the sink after that.  0: none.
    metrics_port: Annotated[int, Meta(ge=0, le=65533)] = 0
    metrics_host: str = "127.0.0.1"
    group_prefix: str = "groundswell"
    log: Annotated[str, Meta(pattern="^(text|json)$")] = "text"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Settings of the process.  An empty value counts as none; names that are no settings are ignored.

        Raises:
            Fault: a value that is not as the field wants it, or values that do not belong together.
        """
        known = {PREFIX + field.upper(): field for field in cls.__struct_fields__}
        given = {known[name]: value for name, value in environment.items() if name in known and value != ""}
        try:
            settings = msgspec.convert(given, cls, strict=False)
        except msgspec.ValidationError as error:
            # msgspec says "Expected `int`, got `str` - at `$.partitions`".
            wrong, _, place = str(error).partition(" - at `$.")
            raise Fault("settings", f"{PREFIX}{place.rstrip('`').upper()}: {wrong}", "Mend this variable.") from error
        settings._check_kafka()
        password = secret(environment, STORE_PASSWORD)
        return msgspec.structs.replace(settings, store=with_password(settings.store, password))

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in _NOT_SHOWN]
        return f"Settings({', '.join(shown)})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in _NOT_SHOWN]

    def topic(self, name: str) -> str:
        """The physical name of a topic."""
        return self.prefix + name

    def logical(self, physical: str) -> str:
        """The contract's name of a physical topic."""
        return physical[len(self.prefix) :]

    def load_campaigns(self) -> dict[str, Campaign]:
        return load_campaigns(Path(self.campaigns))

    def codec(self, partitions: int | None = None) -> Codec:
        """The codec of these settings; `partitions` of the source topics, where the brokers say another number."""
        return Codec(
            self.load_campaigns(), partitions or self.partitions, self.horizon_days, forgets=self.clock == "wall"
        )

    @property
    def brokers(self) -> list[str]:
        """`host:port` of each broker."""
        brokers = [broker.strip() for broker in self.kafka.split(",") if broker.strip()]
        for broker in brokers:
            host, _, port = broker.rpartition(":")
            if not host or not port.isdigit():
                raise Fault("settings", f"GROUNDSWELL_KAFKA has {broker!r}", "Write host:port[,host:port].")
        return brokers

    def metrics_port_of(self, role: str) -> int:
        """Where a role serves its metrics: `metrics_port` is the first one's, the others follow."""
        return self.metrics_port + ROLE_NAMES.index(role)

    @property
    def security(self) -> Security:
        """How to come in at the brokers.

        Raises:
            Fault: the file of the password cannot be read.
        """
        file = self.kafka_password_file
        return self._security(read_secret(KAFKA_PASSWORD + FILE, file) if file else self.kafka_password)

    def _security(self, password: str) -> Security:
        return Security(
            self.kafka_security,
            self.kafka_sasl_mechanism,
            self.kafka_user,
            password,
            self.kafka_ca,
            self.kafka_certificate,
            self.kafka_key,
        )

    def _check_kafka(self) -> None:
        if self.kafka_password and self.kafka_password_file:
            raise both_set(KAFKA_PASSWORD)
        # The file is read by those alone who go to Kafka: the page, say, may not be let to it.
        self._security(self.kafka_password or self.kafka_password_file).check()

    @property
    def store_shown(self) -> str:
        """The store without its password, for people and logs."""
        check_address(self.store)
        parts = urlsplit(self.store)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or 8123}{parts.path}"
