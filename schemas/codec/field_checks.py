"""What can be wrong with the fields that one kind of event has and the others have not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from schemas.codec.rejections import Rejection, bad_id, shown
from schemas.events import CHANNEL_PATTERN, ID_PATTERN, Click, Donation, Impression, Share
from schemas.money import digits_of, minor_units
from schemas.reasons import Reason
from schemas.topics import CLICKS, DONATIONS, IMPRESSIONS, SHARES

is_id = re.compile(ID_PATTERN).fullmatch
_is_channel = re.compile(CHANNEL_PATTERN).fullmatch


def _wrong_click(click: Click) -> Rejection | None:
    return _wrong_id("visitor_id", click.visitor_id)


def _wrong_share(share: Share) -> Rejection | None:
    if _is_channel(share.channel) is None:
        expected = "a word such as twitter: a-z 0-9 _ -, a letter first, at most 32"
        return Rejection(Reason.UNKNOWN_VALUE, "channel", shown(share.channel), expected)
    return (
        _wrong_id("influencer_id", share.influencer_id)
        or _wrong_id("sharer_id", share.sharer_id)
        or _wrong_id("parent_referral_id", share.parent_referral_id)
    )


def _wrong_impression(impression: Impression) -> Rejection | None:
    return None


def _wrong_donation(donation: Donation) -> Rejection | None:
    return (
        _wrong_id("donation_id", donation.donation_id)
        or _wrong_id("donor_id", donation.donor_id)
        or _wrong_money(donation)
    )


def _wrong_money(donation: Donation) -> Rejection | None:
    currency = donation.currency
    if digits_of(currency) is None:
        return Rejection(Reason.UNKNOWN_CURRENCY, "currency", shown(currency), "an ISO 4217 code such as USD")
    try:
        if minor_units(donation.amount, currency) == 0:
            return Rejection(Reason.BAD_MONEY, "amount", shown(donation.amount), "more than zero")
    except ValueError as error:
        return Rejection(Reason.BAD_MONEY, "amount", shown(donation.amount), str(error))
    if donation.fee is not None:
        try:
            minor_units(donation.fee, currency)
        except ValueError as error:
            return Rejection(Reason.BAD_MONEY, "fee", shown(donation.fee), str(error))
    return None


def _wrong_id(field: str, text: str | None) -> Rejection | None:
    if text is None or is_id(text) is not None:
        return None
    return bad_id(field, text)


WRONG_DETAILS: Final[dict[str, Callable[..., Rejection | None]]] = {
    SHARES: _wrong_share,
    CLICKS: _wrong_click,
    IMPRESSIONS: _wrong_impression,
    DONATIONS: _wrong_donation,
}
