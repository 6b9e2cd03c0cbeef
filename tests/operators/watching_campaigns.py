"""The campaign files of the repository, as the watch sees them."""

from pathlib import Path

from schemas.campaign import load_campaigns

CAMPAIGNS = load_campaigns(Path(__file__).parents[2] / "infra" / "campaigns")
DOOR = CAMPAIGNS["door"]
GAMES = CAMPAIGNS["sgdq2019"]
