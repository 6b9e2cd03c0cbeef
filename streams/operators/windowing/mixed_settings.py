"""Whether attribution workers run with different settings, seen by the fingerprints in their progress records.

While campaign files change, workers with old and new ones publish side by side until the last one has restarted and
folded its logs; only workers that go on publishing count.

    old  ----.----.----.            the newest record is old: it does not count
    new           .----.----.----.
    both ----.----.----.----.----.  for longer than MIXED_SECONDS: this is no change under way
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from schemas.slices import Progress

FRESH_SECONDS: Final = 30.0  # a worker publishes every two seconds; one that is silent for so long has ended
MIXED_SECONDS: Final = 300.0


@dataclass
class MixedSettings:
    """The newest fingerprint of each source partition, and since when there has been more than one."""

    _last: dict[int, tuple[str, float]] = field(default_factory=dict)
    _mixed_since: float | None = None

    def note(self, said: Progress, now: float) -> str | None:
        """Take note; where settings have been mixed for too long, the source partitions by fingerprint, in words.

        Args:
            now: a monotonic clock, seconds.
        """
        self._last[said.source_partition] = (said.fingerprint, now)
        by_fingerprint: dict[str, list[int]] = {}
        for partition, (fingerprint, at) in sorted(self._last.items()):
            if now - at <= FRESH_SECONDS:
                by_fingerprint.setdefault(fingerprint, []).append(partition)
        if len(by_fingerprint) < 2:
            self._mixed_since = None
            return None
        if self._mixed_since is None:
            self._mixed_since = now
        if now - self._mixed_since <= MIXED_SECONDS:
            return None
        told = (f"{', '.join(map(str, numbers))} ({name or 'none'})" for name, numbers in by_fingerprint.items())
        return " and ".join(told)
