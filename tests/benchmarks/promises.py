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

    def verdict(self, program: str) -> int:
        """The last line of a program, and its exit code."""
        print(f"{program}: {'FAILED: ' + '; '.join(self.trouble) if self.trouble else 'holds'}")
        return 1 if self.trouble else 0
