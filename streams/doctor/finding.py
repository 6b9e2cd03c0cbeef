"""One line of the doctor."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final, Literal, NamedTuple

from schemas.errors import Fault

State = Literal["ok", "wrong", "cannot tell"]


class Finding(NamedTuple):
    """`mend` says what to do; empty where nothing is."""

    check: str
    state: State
    found: str
    mend: str = ""


def of_fault(check: str, fault: Fault) -> Finding:
    """What stopped a check, as its finding."""
    return Finding(check, "wrong", fault.what, fault.mend)


EVERYWHERE: Final = ("", "0.0.0.0", "::")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address; of other names than localhost nobody can tell."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
