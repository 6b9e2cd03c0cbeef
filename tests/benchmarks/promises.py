"""What a measured run promises, and which promises did not hold."""

from __future__ import annotations


class Promises:
    """`trouble` is empty where all hold."""

    def __init__(self) -> None:
        self.trouble: list[str] = []

    def promise(self, holds: bool, sentence: str) -> None:
        print(f"{'ok   ' if holds else 'WRONG'} {sentence}", flush=True)
        if not holds:
            self.trouble.append(sentence)
