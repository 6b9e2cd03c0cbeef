"""Annotations: the appeal's own to Grafana, people's in Grafana back to us.

What we send is an annotation of the organization, found by its tags on any dashboard, and carries the tag
`groundswell-id:<id>`: that makes sending again harmless, and tells it from what people wrote.  What people write on our
dashboards, or tag `campaign:<id>`, is theirs.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, get_args
from urllib.parse import quote

from infra.grafana.gateway import Gateway
from infra.grafana.steps import Step
from schemas.annotations import Annotation, AnnotationKind
from schemas.campaign import Campaign
from schemas.times import rfc3339

OURS: Final = "groundswell"
ID_TAG: Final = "groundswell-id:"
CAMPAIGN_TAG: Final = "campaign:"
KINDS: Final[tuple[str, ...]] = get_args(AnnotationKind)
PAGE: Final = 1000
LONGEST_TEXT: Final = 2000
_NAMES: Final = uuid.UUID("7f0e2c1a-5a0b-5d7e-9c59-6d1f1f6b9f11")


class Mark(NamedTuple):
    """One annotation to send; times are epoch milliseconds, `until_ms` None for a moment or what still lasts."""

    id: str
    campaign_id: str
    kind: str
    at_ms: int
    until_ms: int | None
    text: str

    @property
    def tags(self) -> list[str]:
        return [OURS, f"{CAMPAIGN_TAG}{self.campaign_id}", self.kind, f"{ID_TAG}{self.id}"]


def incident_id(campaign: str, dimension: str, member: str, state: str, started_at: datetime) -> str:
    """The same incident has the same id for ever."""
    return str(uuid.uuid5(_NAMES, f"incident|{campaign}|{dimension}|{member}|{state}|{started_at.timestamp():.3f}"))


def pulled_id(annotation: Mapping[str, Any]) -> str:
    """The id here of an annotation that a person made there; its creation time tells two Grafanas apart."""
    return str(uuid.uuid5(_NAMES, f"grafana|{annotation['id']}|{annotation.get('created') or 0}"))


def push_marks(gateway: Gateway, marks: Iterable[Mark], boards: Iterable[str], dry_run: bool) -> Iterator[Step]:
    """Send what is not there, mend what differs.  What was pulled from there is not sent back."""
    there = {_id_of(found): found for found in _all(gateway, f"tags={quote(OURS)}") if _id_of(found)}
    pulled = {pulled_id(found) for found in _of_people(gateway, boards, ())}
    for mark in marks:
        if mark.id in pulled:
            continue
        yield _push_mark(gateway, mark, there.get(mark.id), dry_run)


def _push_mark(gateway: Gateway, mark: Mark, there: Any, dry_run: bool) -> Step:
    end = mark.until_ms or mark.at_ms
    wanted = {"time": mark.at_ms, "timeEnd": end, "text": mark.text, "tags": mark.tags}
    if there is None:
        if not dry_run:
            gateway.request("POST", "/annotations", wanted, repeatable=False)
        return Step("annotation", mark.id, "created", mark.text)
    present = {**there, "timeEnd": there.get("timeEnd") or there["time"], "tags": sorted(there.get("tags") or [])}
    differing = {
        key: value
        for key, value in wanted.items()
        if present.get(key) != (sorted(mark.tags) if key == "tags" else value)
    }
    if not differing:
        return Step("annotation", mark.id, "unchanged", mark.text)
    if not dry_run:
        gateway.request("PATCH", f"/annotations/{there['id']}", differing)
    return Step("annotation", mark.id, "changed", mark.text)


class Pulled(NamedTuple):
    """`annotations` as records, and `skipped` for what cannot be one."""

    annotations: list[Annotation]
    skipped: list[Step]


def pull(gateway: Gateway, campaigns: Mapping[str, Campaign], boards: Iterable[str]) -> Pulled:
    """What people wrote on our dashboards, or tagged with a campaign."""
    annotations, skipped = [], []
    for found in _of_people(gateway, boards, campaigns):
        name = str(found["id"])
        text = " ".join(str(found.get("text") or "").split())
        campaign = _campaign_of(found, campaigns)
        if not text:
            skipped.append(Step("annotation", name, "skipped", "it has no text"))
        elif campaign is None:
            skipped.append(Step("annotation", name, "conflict", f"whose is it? Tag it {CAMPAIGN_TAG}ID: {text[:60]}"))
        else:
            annotations.append(_record(found, campaign, text))
    return Pulled(annotations, skipped)


def _record(found: Mapping[str, Any], campaign: str, text: str) -> Annotation:
    tags = found.get("tags") or []
    kind: Any = next((tag for tag in tags if tag in KINDS), "note")
    at, end = int(found["time"]), int(found.get("timeEnd") or 0)
    until = rfc3339(end) if end > at else None
    return Annotation(pulled_id(found), campaign, kind, rfc3339(at), text[:LONGEST_TEXT], until)


def _campaign_of(found: Mapping[str, Any], campaigns: Mapping[str, Campaign]) -> str | None:
    """By its tag; without one, the only campaign, or the only one that had begun and was not long over."""
    for tag in found.get("tags") or []:
        if tag.startswith(CAMPAIGN_TAG) and tag.removeprefix(CAMPAIGN_TAG) in campaigns:
            return str(tag.removeprefix(CAMPAIGN_TAG))
    if any(tag.startswith(CAMPAIGN_TAG) for tag in found.get("tags") or []):
        return None
    at = datetime.fromtimestamp(found["time"] / 1000, UTC)
    running = [campaign.id for campaign in campaigns.values() if campaign.start <= at < campaign.end]
    if len(running) == 1:
        return running[0]
    return next(iter(campaigns)) if len(campaigns) == 1 else None


def _of_people(gateway: Gateway, boards: Iterable[str], campaigns: Iterable[str]) -> list[dict[str, Any]]:
    wanted = set(boards)
    found: dict[int, dict[str, Any]] = {}
    for uid in sorted(wanted):
        # Of a dashboard that it does not know, Grafana answers with the annotations of all.
        answer = _all(gateway, f"dashboardUID={quote(uid)}")
        found |= {one["id"]: one for one in answer if one["dashboardUID"] in wanted}
    for campaign in campaigns:
        found |= {one["id"]: one for one in _all(gateway, f"tags={quote(CAMPAIGN_TAG + campaign)}")}
    return [found[number] for number in sorted(found) if not _id_of(found[number])]


def _all(gateway: Gateway, query: str) -> list[dict[str, Any]]:
    """Every annotation of a query.  Grafana gives the newest first and has no pages: each page ends the next."""
    found: dict[int, dict[str, Any]] = {}
    until = ""
    while True:
        page = gateway.get(f"/annotations?type=annotation&limit={PAGE}&{query}{until}") or []
        new = [one for one in page if one["id"] not in found]
        found |= {one["id"]: {"dashboardUID": None, **one} for one in new}
        if len(page) < PAGE or not new:
            return list(found.values())
        until = f"&from=1&to={min(one['time'] for one in page)}"


def _id_of(found: Mapping[str, Any]) -> str | None:
    return next((tag.removeprefix(ID_TAG) for tag in found.get("tags") or [] if tag.startswith(ID_TAG)), None)
