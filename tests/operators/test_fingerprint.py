"""Which saved states a program does not use: those that were made to be said in another way."""

from __future__ import annotations

import pytest
from random_logs import CODEC

from schemas.slices import SLICES_SCHEMA
from streams.operators.attribution import snapshot


def test_a_new_schema_of_slices_makes_attribution_fold_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = snapshot.fingerprint_of(CODEC)
    monkeypatch.setattr("streams.operators.attribution.snapshot.SLICES_SCHEMA", SLICES_SCHEMA + 1, raising=False)
    assert snapshot.fingerprint_of(CODEC) != now
