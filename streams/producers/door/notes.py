"""What people would note on the charts: the launch, the author's reminders, and the results post."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from schemas.annotations import Annotation, AnnotationKind
from schemas.times import rfc3339
from streams.producers.door.calendar import CAMPAIGN_ID, HOUR, MINUTE, RESULTS_MS, START_MS
from streams.producers.feeds import annotation_record
from streams.producers.outgoing import Outgoing

# The reminders are among the author's own posts.
NOTES: Final[tuple[tuple[int, AnnotationKind, str], ...]] = (
    (START_MS, "launch", "The blog post"),
    (START_MS + 23 * HOUR + 50 * MINUTE, "reminder", "Half time: the author asks again"),
    (START_MS + 40 * HOUR, "reminder", "Eight hours left: the author asks again"),
    (RESULTS_MS, "reminder", "The results post, which was itself a reminder"),
)


def notes() -> Iterator[Outgoing]:
    """The annotations as records, each recorded when it happened.  The same bytes on every call."""
    for at_ms, kind, text in NOTES:
        note_id = str(uuid5(NAMESPACE_URL, f"groundswell/{CAMPAIGN_ID}/annotations/{at_ms}"))
        yield annotation_record(Annotation(note_id, CAMPAIGN_ID, kind, rfc3339(at_ms), text), at_ms)
