"""Workers with different settings are told apart, and a change of settings under way is no outage."""

from __future__ import annotations

import msgspec
from test_conversion import LATER, progress

from streams.operators.windowing.mixed_settings import FRESH_SECONDS, MIXED_SECONDS, MixedSettings


def heard(mixed_settings: MixedSettings, partition: int, fingerprint: str, now: float) -> str | None:
    said = msgspec.structs.replace(progress(partition, 1, LATER, True), fingerprint=fingerprint)
    return mixed_settings.note(said, now)


def test_two_workers_with_different_settings_are_named_once_they_have_spoken_side_by_side_for_long() -> None:
    mixed_settings = MixedSettings()
    told = [
        heard(mixed_settings, second % 4 // 2, "old" if second % 4 < 2 else "new", second)
        for second in range(0, 400, 2)
    ]
    assert told[: int(MIXED_SECONDS) // 2 + 1] == [None] * (int(MIXED_SECONDS) // 2 + 1)
    assert told[-1] == "0 (old) and 1 (new)"


def test_a_rolling_change_of_four_workers_is_none_of_it() -> None:
    """A minute apart, each is silent for half a minute while it starts."""
    mixed_settings = MixedSettings()
    for second in range(0, 1000, 2):
        for partition in range(4):
            stops = 100 + 60 * partition
            if not stops <= second < stops + 30:
                assert heard(mixed_settings, partition, "old" if second < stops else "new", second) is None


def test_who_has_fallen_silent_does_not_count() -> None:
    mixed_settings = MixedSettings()
    heard(mixed_settings, 0, "old", 0)
    for second in range(2, 1000, 2):
        assert heard(mixed_settings, 1, "new", second) is None
    assert FRESH_SECONDS < MIXED_SECONDS
