"""What a load says of itself, and what is left when loads overtake each other."""

from __future__ import annotations

from streams.kafka.loading import Load, Loads


def test_a_load_says_how_far_it_is_in_reading_and_then_in_decoding() -> None:
    load = Load("the state of partition 3", 3)
    assert str(load) == "loading the state of partition 3: the broker has not said yet where the log ends"
    load.wants(64)
    load.took(60, 41_200_000)
    assert str(load) == "loading the state of partition 3: 41.2 MB, 60 of 64 records read"
    assert load.ratio == 60 / 64
    load.decodes(40_000_000)
    load.decoded(10_000_000)
    assert str(load) == "loading the state of partition 3: 10.0 of 40.0 MB decoded"


def test_every_piece_is_progress() -> None:
    load = Load("x", 0)
    steps = [load.steps]
    for count in (lambda: load.wants(2), lambda: load.took(1, 0), lambda: load.decodes(9), lambda: load.decoded(0)):
        count()
        steps.append(load.steps)
    assert steps == [0, 1, 2, 3, 4]


def test_an_overtaken_load_that_ends_late_does_not_hide_its_successor() -> None:
    loads = Loads()
    overtaken = loads.one("the state of partition 0", 0)
    overtaken.__enter__()
    with loads.one("the state of partition 1", 1) as load:
        overtaken.__exit__(None, None, None)
        assert loads.now is load
    assert loads.now is None
