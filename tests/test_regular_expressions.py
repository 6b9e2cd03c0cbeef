"""Every regular expression of the product, found by reading its source, is fed 100 kB of what is worst for it.

For each the parse tree says what to try: a shortest text that leads to a repetition, then characters that it takes
(those above all that other parts of the pattern take too), then one that spoils the match.  A pattern that tries again
what it has tried is slow on one of these; a linear one takes milliseconds.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from ground import ROOT

ROOMS = ("schemas", "streams", "infra", "dashboards")
LENGTH = 100_000
SECONDS = 1.0
"""Of one text.  The slowest takes some 20 ms; a quadratic one takes minutes at this length."""

IN_ALL = 240
ASKING = frozenset({"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"})
SAMPLE = " \t\n0aA_.,:;'\"`\\()[]{}=-+/$!%T\x00é"


@dataclass(frozen=True)
class Pattern:
    """A pattern, where it stands, and how it is asked."""

    place: str
    pattern: re.Pattern[Any]
    ways: tuple[str, ...]

    def of(self, text: str) -> Any:
        return text.encode("latin-1") if isinstance(self.pattern.pattern, bytes) else text


def modules() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            yield name, ast.parse(file.read_text())


def calls_of_re(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in ASKING
        ):
            yield node


def ways_by_name() -> dict[str, set[str]]:
    """With which methods a name is asked, in any module: patterns have names that nothing else has."""
    found: dict[str, set[str]] = {}
    for _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in ASKING:
                found.setdefault(node.value.id, set()).add(node.attr)
    return found


def patterns() -> list[Pattern]:
    """All of them.

    Raises:
        AssertionError: one is made in a way that this test cannot follow: give it a name at the top of its module.
    """
    ways, found = ways_by_name(), []
    for name, tree in modules():
        assert not any(isinstance(node, ast.ImportFrom) and node.module == "re" for node in ast.walk(tree)), name
        named = {
            id(inner): target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
            for inner in ast.walk(node.value)
        }
        for call in calls_of_re(tree):
            place = f"{name}:{call.lineno}"
            assert isinstance(call.func, ast.Attribute)
            if call.func.attr == "compile":
                assert id(call) in named, f"{place}: a pattern without a name at the top of its module"
                made = getattr(importlib.import_module(name), named[id(call)])
                bound = isinstance(made, re.Pattern)
                pattern = made if bound else made.__self__
                asked = ways.get(named[id(call)], set()) if bound else {made.__name__}
            else:
                assert call.args, place
                assert isinstance(call.args[0], ast.Constant), f"{place}: a pattern that is put together"
                flags = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
                value = eval(ast.unparse(flags[0]), {"re": re}) if flags else 0
                pattern, asked = re.compile(call.args[0].value, value), {call.func.attr}
            assert isinstance(pattern, re.Pattern), place
            assert asked, f"{place}: nobody asks it"
            found.append(Pattern(place, pattern, tuple(sorted(asked))))
    return found


def taken(parts: Any, flags: int) -> str:
    """The characters of SAMPLE that a class or a literal takes."""
    found = ""
    for character in SAMPLE:
        if any(_takes(code, value, character, flags) for code, value in parts):
            found += character
    return found


def _takes(code: Any, value: Any, character: str, flags: int) -> bool:
    if code is codes.LITERAL:
        return ord(character) == value or (bool(flags & re.IGNORECASE) and chr(value).lower() == character.lower())
    if code is codes.NOT_LITERAL:
        return ord(character) != value
    if code is codes.ANY:
        return character != "\n" or bool(flags & re.DOTALL)
    if code is codes.IN:
        negated = value[0][0] is codes.NEGATE
        return any(_takes(inner, of, character, flags) for inner, of in value[negated:]) != negated
    if code is codes.RANGE:
        return value[0] <= ord(character) <= value[1]
    if code is codes.CATEGORY:
        kind = str(value).rpartition("CATEGORY_")[2]
        plain = {"DIGIT": str.isdigit, "SPACE": str.isspace, "WORD": lambda c: c.isalnum() or c == "_"}
        is_it = plain[kind.removeprefix("NOT_")](character)
        return not is_it if kind.startswith("NOT_") else is_it
    return False


def shortest(parts: Any, flags: int) -> str:
    """A short text that the parts take; of alternatives the first."""
    text = ""
    for code, value in parts:
        if code is codes.LITERAL:
            text += chr(value)
        elif code in (codes.IN, codes.ANY, codes.NOT_LITERAL):
            text += (taken([(code, value)], flags) or "?")[:1]
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            text += shortest(value[2], flags) * value[0]
        elif code is codes.SUBPATTERN:
            text += shortest(value[3], flags)
        elif code is codes.ATOMIC_GROUP:
            text += shortest(value, flags)
        elif code is codes.BRANCH:
            text += shortest(value[1][0], flags)
    return text


def repetitions(parts: Any, before: str, flags: int) -> Iterator[tuple[str, Any]]:
    """Each repetition: a text that leads to it, and what it repeats."""
    for at, (code, value) in enumerate(parts):
        lead = before + shortest(list(parts)[:at], flags)
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            if value[1] > 10:
                yield lead, value[2]
            yield from repetitions(value[2], lead, flags)
        elif code is codes.SUBPATTERN:
            yield from repetitions(value[3], lead, flags)
        elif code is codes.ATOMIC_GROUP:
            yield from repetitions(value, lead, flags)
        elif code is codes.BRANCH:
            for branch in value[1]:
                yield from repetitions(branch, lead, flags)


def worst(found: Pattern) -> Iterator[str]:
    """Texts of LENGTH characters."""
    source, flags = found.pattern.pattern, found.pattern.flags
    tree = parser.parse(source, flags & ~re.UNICODE if isinstance(source, bytes) else flags)
    whole = shortest(tree, flags) or "a"
    pumps = {whole, whole[:-1] or "a", whole[:1], *SAMPLE, " a", "a ", "\\'", "'\\", "a,", "FORMAT ", "a."}
    leads = {("", "")}
    for lead, repeated in repetitions(tree, "", flags):
        leads.add((lead, shortest(repeated, flags)))
        pumps.update(taken([part], flags)[:4][at] for part in repeated for at in range(len(taken([part], flags)[:4])))
    for lead, inner in sorted(leads):
        for pump in sorted(pumps | ({inner} if inner else set())):
            yield (lead + pump * (LENGTH // len(pump)))[:LENGTH] + "\x01!"


def ask(found: Pattern, way: str, text: Any) -> None:
    if way in ("sub", "subn"):
        found.pattern.sub(found.of(""), text)
    elif way == "finditer":
        list(found.pattern.finditer(text))
    else:
        getattr(found.pattern, way)(text)


def feed() -> None:
    """Time every text; print the slowest, and end at the first that is too slow."""
    slowest = (0.0, "")
    for found in patterns():
        for text in worst(found):
            data = found.of(text)
            for way in found.ways:
                print(f"{found.place} {way} {text[:60]!r}", flush=True)  # the last line names what never ended
                began = time.perf_counter()
                ask(found, way, data)
                took = time.perf_counter() - began
                slowest = max(slowest, (took, f"{found.place} {way} {text[:60]!r}"))
                if took > SECONDS:
                    sys.exit(f"{took:.1f} s: {found.place} {way} {text[:60]!r}")
    print(f"slowest {slowest[0]:.3f} s: {slowest[1]}")


def test_every_pattern_of_the_product_is_found() -> None:
    places = {found.place.partition(":")[0] for found in patterns()}
    assert {"infra.embedded.clickhouse.statements", "schemas.times", "streams.logs", "dashboards.macros"} <= places
    assert len(patterns()) > 40


@pytest.mark.slow
@pytest.mark.timeout(IN_ALL + 30)
def test_no_pattern_takes_long_whatever_it_is_given() -> None:
    command = [sys.executable, __file__]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=IN_ALL, check=False)
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode(errors="replace").splitlines()
        pytest.fail(f"no end: {said[-1] if said else 'nothing was tried'}", pytrace=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_pattern_that_tries_again_what_it_has_tried_is_noticed() -> None:
    cubic = re.compile(rb"\s*(INSERT INTO \w+(?:\s*SETTINGS\s+[\w\s=]+?)?)\s*\bFORMAT\s+(\w+)")
    quadratic = re.compile(r"([a-z.-]+)://(.*):(\d+)")
    for pattern, way, length, power in ((cubic, "match", 400, 3), (quadratic, "findall", 1_500, 2)):
        found = Pattern("here:1", pattern, (way,))
        slow = 0.0
        for text in worst(found):
            began = time.perf_counter()
            ask(found, way, found.of(text[:length] + text[-2:]))
            slow = max(slow, time.perf_counter() - began)
        assert slow * (LENGTH / length) ** power > SECONDS, way


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]
    feed()
