"""Numbers of schemas: a record says which one it was written under."""

from __future__ import annotations

from msgspec import Struct


class Numbered(Struct):
    """The number of a record that cannot be read otherwise."""

    schema: int


class NumberedArray(Struct, array_like=True):
    """The same of a record that is an array, whose first element it is."""

    schema: int


def refuse_other_schema(found: int, known: int) -> None:
    """Refuse a record of another schema.

    Raises:
        ValueError: another version of the program has written it.
    """
    if found != known:
        raise ValueError(f"schema {found}, this program speaks {known}")
