"""How clients prove who they are to Kafka, and how their way there is sealed: the arguments of each kind of client.

Law: every connection to Kafka takes its arguments from here, so that none is left in the clear by mistake.  A password
is in no representation of these values.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.errors import Fault

PROTOCOLS: Final = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
# What aiokafka, kafka-python and Faust all speak, and a password is enough for.
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
SETTING: Final = "GROUNDSWELL_KAFKA_SECURITY"


@dataclass(frozen=True)
class Security:
    """One way to Kafka; the names are those of the settings `GROUNDSWELL_KAFKA_...`.

    `ca`, `certificate` and `key` are PEM files; without `ca` the machine's own authorities count.
    """

    protocol: str = "plaintext"
    sasl_mechanism: str = "SCRAM-SHA-512"
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether anybody may come, and listen."""
        return self.protocol == "plaintext"

    @property
    def has_password(self) -> bool:
        return self.protocol.startswith("sasl_")

    @property
    def has_tls(self) -> bool:
        return self.protocol.endswith("ssl")

    def check(self) -> None:
        """Whether the settings belong together.

        Raises:
            Fault: one is missing, or would have no effect: who gives a password wants it to be asked for.
        """
        for name in ("user", "password"):
            if self.has_password and not getattr(self, name):
                raise _missing(name, self.protocol)
            if getattr(self, name) and not self.has_password:
                raise _idle(name, self.protocol, "sasl_ssl")
        for name in ("ca", "certificate", "key"):
            if getattr(self, name) and not self.has_tls:
                raise _idle(name, self.protocol, "sasl_ssl or ssl" if not self.has_password else "sasl_ssl")
        if self.key and not self.certificate:
            raise _missing("certificate", "a key")
        if self.certificate and not self.key:
            raise _missing("key", "a certificate")

    def arguments(self) -> dict[str, Any]:
        """Arguments of a client of aiokafka or kafka-python, which call them alike; none where all is plain.

        Raises:
            Fault: a file of TLS cannot be used.
        """
        if self.is_plain:
            return {}
        found: dict[str, Any] = {"security_protocol": self.protocol.upper()}
        if self.has_tls:
            found["ssl_context"] = self._context()
        if self.has_password:
            found |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        return found

    def faust_credentials(self) -> Any:
        """What Faust takes as `broker_credentials`, for every connection it makes; None where all is plain.

        Raises:
            Fault: a file of TLS cannot be used.
        """
        from faust import SASLCredentials, SSLCredentials  # half a second: not for `groundswell --help`

        context = self._context() if self.has_tls else None
        if self.has_password:
            return SASLCredentials(
                username=self.user, password=self.password, ssl_context=context, mechanism=self.sasl_mechanism
            )
        return SSLCredentials(context) if context is not None else None

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ValueError) as error:
            raise _unusable("ca", self.ca, error) from error
        if self.certificate:
            try:
                # An empty passphrase: without one OpenSSL would ask the terminal.
                context.load_cert_chain(self.certificate, self.key, password=lambda: "")
            except (OSError, ValueError) as error:
                raise _unusable("certificate", f"{self.certificate} with the key {self.key}", error) from error
        return context


PLAINTEXT: Final = Security()


def refused(security: Security, where: str, error: Exception) -> Fault | None:
    """What to say when a broker answers and does not take us; None where the error says nothing of that kind.

    Args:
        error: of aiokafka, kafka-python or ssl.  They share no classes, and their texts may hold what was sent.
    """
    kind = type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError) or "certificate verify failed" in str(error).lower():
        what = f"the certificate of Kafka at {where} is not one to trust ({_reason(error)})"
        return Fault("settings", what, "Set GROUNDSWELL_KAFKA_CA to who signed it, GROUNDSWELL_KAFKA to its name.")
    if kind in ("AuthenticationFailedError", "SaslAuthenticationFailed", "SaslAuthenticationFailedError"):
        what = f"Kafka at {where} refuses the user {security.user!r} or its password ({security.sasl_mechanism})"
        return Fault("settings", what, "Mend GROUNDSWELL_KAFKA_USER and GROUNDSWELL_KAFKA_PASSWORD.")
    if kind in (
        "UnsupportedSaslMechanismError",
        "UnsupportedSaslMechanism",
        "IllegalSaslState",
        "IllegalSaslStateError",
    ):
        what = f"Kafka at {where} does not take {security.protocol} with {security.sasl_mechanism}"
        return Fault("settings", what, f"Mend {SETTING} and GROUNDSWELL_KAFKA_SASL_MECHANISM.")
    if isinstance(error, ssl.SSLError):
        what = f"Kafka at {where} does not take our TLS ({_reason(error)})"
        return Fault("settings", what, f"Mend {SETTING}, or set GROUNDSWELL_KAFKA_CERTIFICATE if it asks for one.")
    return None


def not_spoken(security: Security, where: str) -> Fault:
    """What to say when somebody listens, and does not speak as we do."""
    what = f"somebody listens at {where} and does not answer as Kafka does with {SETTING}={security.protocol}"
    return Fault("settings", what, f"Set {SETTING} to what that listener asks for, or GROUNDSWELL_KAFKA to another.")


def _reason(error: Exception) -> str:
    said = getattr(error, "verify_message", "") or getattr(error, "reason", "") or ""
    return str(said).replace("_", " ").lower() or type(error).__name__


def _variable(name: str) -> str:
    return f"GROUNDSWELL_KAFKA_{name.upper()}"


def _missing(name: str, beside: str) -> Fault:
    beside = f"{SETTING}={beside}" if beside in PROTOCOLS else beside
    also = f", or {_variable(name)}_FILE to a file that holds it" if name == "password" else ""
    return Fault("settings", f"{beside} needs {_variable(name)}, which is not set", f"Set {_variable(name)}{also}.")


def _idle(name: str, protocol: str, wanted: str) -> Fault:
    what = f"{_variable(name)} is set and has no effect with {SETTING}={protocol}"
    return Fault("settings", what, f"Set {SETTING}={wanted}, or unset {_variable(name)}.")


def _unusable(name: str, file: str, error: Exception) -> Fault:
    said = getattr(error, "strerror", None) or _reason(error)
    return Fault("settings", f"{_variable(name)}={file} cannot be used ({said})", "Name a PEM file that can be read.")
