"""The words in which a dashboard is written down: panels, their rows, boards.

SQL is over views, in ClickHouse's dialect with the macros that Grafana's plugin knows (`$__timeFilter(column)`,
`$__conditionalAll(condition, $influencer)`, ...) and the variables `${campaign:singlequote}` and
`${influencer:singlequote}`; `dashboards.macros` expands them for the live page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["stat", "timeseries", "table", "bars", "text"]
Unit = Literal["none", "count", "percent", "money", "seconds", "minutes", "hours", "datetime", "per_million", "text"]
Colour = Literal["green", "amber", "red", "blue", "grey"]

WIDTH: Final = 24  # columns of a board


@dataclass(frozen=True)
class Threshold:
    """From `value` on (None: from the beginning) a number is shown in `colour` and, for who sees none, as `word`."""

    value: float | None
    colour: Colour
    word: str


@dataclass(frozen=True)
class Word:
    """A text value that has a colour; the word itself says it to who sees none."""

    text: str
    colour: Colour


@dataclass(frozen=True)
class Column:
    """How one column of a table, or one value of a stat or text, is shown.

    `link` is a board's uid it leads to, for the influencer that the value names.  `thresholds` are for a number,
    `words` for a text.
    """

    name: str
    title: str
    unit: Unit = "none"
    link: str | None = None
    thresholds: tuple[Threshold, ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Annotations:
    """What is drawn on every chart of a board.

    `sql` gives `time`, `timeEnd` (null: a moment, or not over yet), `text` and `tags`.
    """

    name: str
    sql: str
    colour: Colour


@dataclass(frozen=True)
class Panel:
    """One panel.

    `id` is unique on its board and never given again: alerts link to it.  `question` is what it answers.  `sql` gives

    * for a `stat` one row, the values named in `columns`, the first the largest;
    * for a `text` one row of texts, named in `columns`, shown whole and one under another, the first the largest;
    * for a `timeseries` a column `time` (ascending), then either numbers (a line each, titled by `columns`), or a text
      column that names the line and one number;
    * for `bars` a text column and a number;
    * for a `table` the columns named in `columns`.

    A `percent` is a part of 1 (0.018 is 1.8 %), `money` a decimal in the campaign's currency; times are UTC.
    `unit` and `thresholds` are those of lines and bars; stats, texts and tables have theirs by column.  `empty` is what
    to show when there is no row, or nothing but nulls.
    """

    id: int
    title: str
    question: str
    sql: str
    kind: Kind
    unit: Unit = "none"
    columns: tuple[Column, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    empty: str = "nothing yet"
    width: int = 6
    height: int = 6


@dataclass(frozen=True)
class Row:
    """A titled row of panels, laid out from left to right and wrapped at WIDTH."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Board:
    """A dashboard; `uid` is its name in addresses.

    `complete` gives one time, `complete_up_to`: up to there every panel knows everything, and what is newer is still on
    its way.  It is drawn on every chart and said of every panel.
    """

    uid: str
    title: str
    question: str
    complete: str
    rows: tuple[Row, ...]
    variables: tuple[Literal["campaign", "influencer"], ...] = ("campaign",)
    annotations: tuple[Annotations, ...] = ()

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)
