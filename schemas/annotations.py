"""An annotation: what happened in an appeal, as people say it; drawn on the charts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.events import EventId, Id, Time

AnnotationKind = Literal["launch", "reminder", "note", "relabelling", "level_accepted"]


class Annotation(Struct, frozen=True):
    """At `at`, or from `at` to `until`, this happened.  The same `annotation_id` again replaces it."""

    annotation_id: EventId
    campaign_id: Id
    kind: AnnotationKind
    at: Time
    text: Annotated[str, Meta(min_length=1, max_length=2000)]
    until: Time | None = None


_decoder = msgspec.json.Decoder(Annotation)
_encoder = msgspec.json.Encoder()


def encode(annotation: Annotation) -> bytes:
    return _encoder.encode(annotation)


def decode(value: bytes) -> Annotation:
    """A record of the topic `annotations`.

    Raises:
        ValueError: it is none.
    """
    return _decoder.decode(value)
