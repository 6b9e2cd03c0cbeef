"""The part of Go's text/template that our alert messages use: define, template, if, else, range; fields, variables,
`index`, `len`, `gt`, `urlquery`; `{{-` and `-}}`.

Anything else is an error, and so is a field that the data does not have: Grafana would send the message without what
it should say, or not at all.  A key that a map does not have is an empty text, as in Go.  A template that is called
knows no variable of its caller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

Node = Any  # a text, or one of the classes below
_TAG = re.compile(r"\{\{(-\s)?\s*(.*?)\s*(\s-)?\}\}", re.DOTALL)
_WORD = re.compile(r'\s*("[^"]*"|\d+|[()]|\$?\w*(?:\.\w+)+|\.|\w+)')


@dataclass
class Branch:
    """`if` and `range`."""

    word: str
    condition: str
    body: list[Node] = field(default_factory=list)
    otherwise: list[Node] = field(default_factory=list)


@dataclass
class Call:
    """`template`."""

    name: str
    argument: str


@dataclass
class Value:
    expression: str


def render(text: str, name: str, dot: Any, **variables: Any) -> str:
    """What the template of that name says of `dot`; the name "" is what stands outside every `define`."""
    templates = parse(text)
    return _written(templates[name], dot, variables, templates)


def parse(text: str) -> dict[str, list[Node]]:
    """Templates by name."""
    templates: dict[str, list[Node]] = {"": []}
    open_ones: list[tuple[str, list[Node], Branch | None]] = [("", templates[""], None)]
    for piece in _pieces(text):
        word, _, rest = piece.partition(" ") if isinstance(piece, str) else ("", "", "")
        nodes = open_ones[-1][1]
        if isinstance(piece, _Text):
            nodes.append(piece.text)
        elif word == "define":
            assert len(open_ones) == 1, "a define stands in another block"
            open_ones.append(("define", templates.setdefault(rest.strip('"'), []), None))
        elif word in ("if", "range"):
            branch = Branch(word, rest)
            nodes.append(branch)
            open_ones.append((word, branch.body, branch))
        elif word == "else":
            kind, _, branch_or_none = open_ones.pop()
            assert branch_or_none is not None, piece
            assert not rest, piece
            open_ones.append((kind, branch_or_none.otherwise, branch_or_none))
        elif word == "end":
            open_ones.pop()
            assert open_ones, "one end too many"
        elif word == "template":
            called, _, argument = rest.partition(" ")
            nodes.append(Call(called.strip('"'), argument or "nil"))
        else:
            nodes.append(Value(piece))
    assert len(open_ones) == 1, "an end is missing"
    return templates


@dataclass
class _Text:
    text: str


def _pieces(text: str) -> list[_Text | str]:
    """Texts, trimmed where a tag beside them says so, and what stands in tags."""
    pieces: list[_Text | str] = []
    at, trimmed = 0, False
    for tag in _TAG.finditer(text):
        between = text[at : tag.start()]
        between = between.lstrip() if trimmed else between
        pieces += [_Text(between.rstrip() if tag[1] else between), tag[2]]
        at, trimmed = tag.end(), bool(tag[3])
    return [*pieces, _Text(text[at:].lstrip() if trimmed else text[at:])]


def _written(nodes: list[Node], dot: Any, variables: Mapping[str, Any], templates: dict[str, list[Node]]) -> str:
    out = ""
    for node in nodes:
        if isinstance(node, str):
            out += node
        elif isinstance(node, Value):
            out += str(evaluated(node.expression, dot, variables))
        elif isinstance(node, Call):
            out += _written(templates[node.name], evaluated(node.argument, dot, variables), {}, templates)
        else:
            value = evaluated(node.condition, dot, variables)
            dots = list(value) if node.word == "range" else [dot] if value else []
            written = [_written(node.body, one, variables, templates) for one in dots]
            out += "".join(written) if dots else _written(node.otherwise, dot, variables, templates)
    return out


def evaluated(expression: str, dot: Any, variables: Mapping[str, Any]) -> Any:
    """The value of one operand, or of a function with its arguments."""
    words = _WORD.findall(expression)
    assert "".join(words) == re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", expression), f"not understood: {expression}"
    value, rest = _sequence(words, dot, variables)
    assert not rest, expression
    return value


def _sequence(words: Sequence[str], dot: Any, variables: Mapping[str, Any]) -> tuple[Any, Sequence[str]]:
    values: list[Any] = []
    while words and words[0] != ")":
        word, words = words[0], words[1:]
        if word == "(":
            value, words = _sequence(words, dot, variables)
            words = words[1:]
        else:
            value = _operand(word, dot, variables)
        if words and re.fullmatch(r"(\.\w+)+", words[0]) and word == "(":
            value, words = _field(value, words[0]), words[1:]
        values.append(value)
    first, *arguments = values
    return (first(*arguments) if callable(first) else first), words


def _operand(word: str, dot: Any, variables: Mapping[str, Any]) -> Any:
    if word.startswith('"'):
        return word[1:-1]
    if word.isdigit():
        return int(word)
    if word.startswith("$"):
        name, _, path = word[1:].partition(".")
        return _field(variables[name], f".{path}" if path else "")
    if word.startswith("."):
        return _field(dot, word if word != "." else "")
    return _FUNCTIONS[word]


def _field(value: Any, path: str) -> Any:
    for name in path.split(".")[1:]:
        value = value.get(name, "") if isinstance(value, Mapping) else getattr(value, name)
    return value


_FUNCTIONS: dict[str, Any] = {
    "index": lambda values, at: values[at],
    "len": len,
    "gt": lambda one, other: one > other,
    "urlquery": quote_plus,
}
