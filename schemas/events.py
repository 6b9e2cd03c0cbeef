"""The events that producers send, as msgspec structs: the single source of the JSON Schema files.

Fields are decoded as text and checked by the codec: typed decoding to UUID and datetime costs more than the
whole fold (1.87 against 0.50 microseconds an event).  Unknown fields are allowed and ignored.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.topics import CLICKS, DONATIONS, IMPRESSIONS, SHARES

SCHEMA_VERSION: Final = 1
ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}$"
UUID_PATTERN: Final = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"

Id = Annotated[str, Meta(description="1 to 128 of A-Z a-z 0-9 . _ : @ / + = -, a letter or digit first")]
EventId = Annotated[str, Meta(description="a UUID; an event that is sent again keeps its id")]
Time = Annotated[
    str,
    Meta(description="RFC 3339 with an offset, at most milliseconds; an event that is sent again keeps its time"),
]
Money = Annotated[str, Meta(description='decimal text such as "12.50", no more digits than the currency has')]
Currency = Annotated[str, Meta(description="ISO 4217 code")]
Version = Annotated[int, Meta(ge=1, le=65_535)]
Audience = Annotated[int, Meta(ge=0, le=10_000_000_000, description="followers at that time")]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000_000)]

Channel = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="twitter, facebook, blog, email, ...")]
ShareKind = Literal["original", "repost", "quote", "own_post", "email"]
Basis = Literal["measured", "sampled", "estimated"]
DonationKind = Literal["donation", "refund"]
Tie = Literal["strong", "weak", "unknown"]


class Share(Struct, frozen=True, gc=False):
    """Somebody shared the appeal; the first share of a referral says whose it is."""

    event_id: EventId
    campaign_id: Id
    referral_id: Id
    occurred_at: Time
    schema_version: Version
    influencer_id: Id
    channel: Channel
    kind: ShareKind
    audience: Audience
    tie: Tie
    parent_referral_id: Id | None = None
    sharer_id: Id | None = None


class Impression(Struct, frozen=True, gc=False):
    """A shared link was seen `count` times; how that number is known is its basis."""

    event_id: EventId
    campaign_id: Id
    referral_id: Id
    occurred_at: Time
    schema_version: Version
    count: Count
    basis: Basis


class Click(Struct, frozen=True, gc=False):
    """Somebody followed a shared link."""

    event_id: EventId
    campaign_id: Id
    referral_id: Id
    occurred_at: Time
    schema_version: Version
    visitor_id: Id | None = None


class Donation(Struct, frozen=True, gc=False):
    """Money came in (donation) or went back (refund); a gift without a referral is a direct one."""

    event_id: EventId
    campaign_id: Id
    referral_id: Id | None
    occurred_at: Time
    schema_version: Version
    donation_id: Id
    kind: DonationKind
    amount: Money
    currency: Currency
    tie: Tie
    fee: Money | None = None
    donor_id: Id | None = None


Event = Share | Impression | Click | Donation

EVENTS: Final[dict[str, type[Event]]] = {
    SHARES: Share,
    CLICKS: Click,
    IMPRESSIONS: Impression,
    DONATIONS: Donation,
}
