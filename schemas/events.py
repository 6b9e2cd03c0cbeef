"""The events that producers send, as msgspec structs: the single source of the JSON Schema files.

Fields are decoded as text and checked by the codec: typed decoding to UUID and datetime costs more than the
whole fold (1.87 against 0.50 microseconds an event).  Unknown fields are allowed and ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from schemas.topics import CLICKS, DONATIONS, IMPRESSIONS, SHARES

SCHEMA_VERSION: Final = 1
# A version that only adds fields stays readable; one that changes a meaning must move this floor and ceiling.
LAST_READABLE_VERSION: Final = 99

# In the dialect that all JSON Schema validators share.  Python's `$` lets a last newline pass, so Python must ask
# with `fullmatch`; that, and speed, is why these are no `pattern=` of msgspec's, which searches.
ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}$"
ID_IN_WORDS: Final = "1 to 128 of A-Z a-z 0-9 . _ : @ / + = -, a letter or digit first"
UUID_PATTERN: Final = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
CHANNEL_PATTERN: Final = r"^[a-z][a-z0-9_-]{0,31}$"
TIME_PATTERN: Final = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"([.][0-9]{1,3})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
MONEY_PATTERN: Final = r"^(0|[1-9][0-9]{0,11})([.][0-9]{1,4})?$"


def _text(description: str, pattern: str, **more: Any) -> Meta:
    # What the codec checks: said in the JSON Schema, without an effect on decoding.
    return Meta(description=description, extra_json_schema={"pattern": pattern, **more})


Id = Annotated[str, _text(ID_IN_WORDS, ID_PATTERN)]
EventId = Annotated[str, _text("a UUID; an event that is sent again keeps its id", UUID_PATTERN, format="uuid")]
Time = Annotated[
    str,
    _text(
        "RFC 3339 with an offset, at most milliseconds, years 2000 to 2099, at most a day after the record's own time; "
        "an event that is sent again keeps its time",
        TIME_PATTERN,
    ),
]
Money = Annotated[str, _text('decimal text such as "12.50", no more digits than the currency has', MONEY_PATTERN)]
Currency = Annotated[str, _text("ISO 4217 code", "^[A-Z]{3}$")]
Channel = Annotated[str, _text("twitter, facebook, blog, email, ...", CHANNEL_PATTERN)]
Version = Annotated[int, Meta(ge=SCHEMA_VERSION, le=LAST_READABLE_VERSION)]
Audience = Annotated[int, Meta(ge=0, le=10_000_000_000, description="followers at that time")]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000_000)]

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
