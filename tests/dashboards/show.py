"""A show without clicks: whose viewers were counted, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2019, 6, 23, 16, 30, tzinfo=UTC)
VIEWERS, MINUTES = 16_000, 180  # a gift a minute: 62.5 for a million viewer-minutes


def write_series(path: Path) -> Path:
    """The series of `groundswell replay gdq` for three hours of it."""
    lines = ["time,viewers,tweets,chats,emotes,donations_total,money_total_usd"]
    for number in range(MINUTES):
        at = (START + timedelta(minutes=number)).isoformat()
        lines.append(f"{at},{VIEWERS},1,1,1,{number},{10 * number}.0")
    path.write_text("\n".join(lines) + "\n")
    return path
