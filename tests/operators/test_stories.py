"""Stories, each played from its first line; those of `false.txt` must fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from story import Told, Wrong, play, stories_of

FOLDER = Path(__file__).parent / "stories"
TRUE = stories_of(FOLDER / "true.txt")
FALSE = stories_of(FOLDER / "false.txt")


@pytest.mark.parametrize("told", TRUE, ids=lambda told: told.sentence)
def test_story(told: Told) -> None:
    play(told)


@pytest.mark.parametrize("told", FALSE, ids=lambda told: told.sentence)
def test_false_story_is_found_out(told: Told) -> None:
    with pytest.raises(Wrong):
        play(told)


def test_no_story_is_told_twice() -> None:
    sentences = [told.sentence for told in TRUE + FALSE]
    assert len(sentences) == len(set(sentences))
