"""Wrong passwords, by the address that they come from: each one after the first few makes that address wait longer.

Nobody else waits, and nobody for longer than LONGEST_S after the last wrong one: who guesses keeps out those alone who
share the address.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

FREE: Final = 5
"""Wrong ones that cost nothing: people mistype, and a browser sends a remembered one with each of its requests."""

LONGEST_S: Final = 60
ADDRESSES: Final = 4_096
FORGOTTEN_AFTER_S: Final = 3_600.0


class Guesses:
    """How often each address was wrong, and until when it waits; the least recent are forgotten first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._wrong: OrderedDict[str, tuple[int, float, float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Whole seconds before a password of this address is looked at; 0: now."""
        _, until, _ = self._wrong.get(_network(address), (0, 0.0, 0.0))
        return max(0, math.ceil(until - self._now()))

    def wrong(self, address: str) -> None:
        """A wrong password has come."""
        network, now = _network(address), self._now()
        number, _, last = self._wrong.pop(network, (0, 0.0, now))
        number = 1 if now - last > FORGOTTEN_AFTER_S else number + 1
        seconds = 0 if number <= FREE else min(2 ** min(number - FREE - 1, 10), LONGEST_S)
        self._wrong[network] = (number, now + seconds, now)
        while len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)

    def right(self, address: str) -> None:
        """The password has come."""
        self._wrong.pop(_network(address), None)


def _network(address: str) -> str:
    """The address; of IPv6 the network that one household has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address
