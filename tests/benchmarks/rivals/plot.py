"""The picture of flat cost; run by the interpreter that has matplotlib: points as JSON on stdin, a PNG as argument."""

from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def draw(panel: Any, points: list[dict[str, Any]], across: str) -> None:
    points = sorted(points, key=lambda point: point[across])
    rates = [point["rate"] / 1000 for point in points]
    panel.plot([point[across] for point in points], rates, "o-")
    panel.set_xscale("log")
    panel.set_ylim(0, 1.1 * max(rates, default=1))
    panel.set_xlabel(across)
    panel.set_ylabel("thousand events/s")
    panel.grid(alpha=0.3)


def main() -> None:
    said = json.load(sys.stdin)
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for panel, across in zip(panels, ("events", "influencers"), strict=True):
        draw(panel, said[across], across)
    figure.savefig(sys.argv[1], dpi=100)


if __name__ == "__main__":
    main()
