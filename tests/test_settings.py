"""Settings from the environment: a wrong one is named as its owner wrote it."""

from __future__ import annotations

import pytest

from schemas.errors import Fault
from streams.settings import Settings


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("GROUNDSWELL_PARTITIONS", "many", "Expected `int`"),
        ("GROUNDSWELL_PARTITIONS", "0", "Expected `int` >= 1"),
        ("GROUNDSWELL_RETENTION_DAYS", "long", "Expected `int | null`"),
        ("GROUNDSWELL_FLUSH_INTERVAL", "0", "Expected `float` > 0.0"),
        ("GROUNDSWELL_CLOCK", "sun", "Expected `str` matching"),
    ],
)
def test_a_wrong_value_is_refused_under_the_name_of_its_variable(variable: str, value: str, expected: str) -> None:
    with pytest.raises(Fault) as refused:
        Settings.from_environment({variable: value})
    assert refused.value.whose == "settings"
    assert refused.value.what.startswith(f"{variable}: {expected}")
    assert "$." not in refused.value.what


def test_an_empty_value_is_none_at_all_and_names_that_are_no_settings_are_ignored() -> None:
    given = {"GROUNDSWELL_PARTITIONS": "", "GROUNDSWELL_WRITER_PASSWORD": "of the ground", "HOME": "elsewhere"}
    assert Settings.from_environment(given) == Settings()
