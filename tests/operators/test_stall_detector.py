"""The detector is the reference's, minute by minute, on the real appeal and on simulated ones."""

from __future__ import annotations

import importlib.util
from math import log
from pathlib import Path
from random import Random
from types import ModuleType

import msgspec
import pytest
from real_appeal import real_minutes
from scipy.special import betainc
from watching_campaigns import DOOR

from schemas.campaign import StallRules
from streams.operators.stalls.detector import Detector
from streams.simulation.appeal import Size, simulate
from streams.simulation.trial import minutes_of

REFERENCE = Path(__file__).parents[3] / "shared" / "examples" / "stall_detector.py"
RULES = StallRules()


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    if not REFERENCE.exists():
        pytest.skip("the reference detector is not beside this checkout")
    spec = importlib.util.spec_from_file_location("reference_detector", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def step_both(reference: ModuleType, minutes: list[tuple[float, float]], rate: float) -> set[str]:
    """Step both, compare every number after every minute; the verdicts that came."""
    theirs, ours = reference.Stall(rate), Detector.with_prior(rate, RULES.prior_weight)
    verdicts = set()
    for exposures, donations in minutes:
        verdict = ours.step(RULES, exposures, donations)
        assert verdict == theirs.step(exposures, donations)
        assert (ours.due, ours.base_donations, ours.base_exposures) == (theirs.due, theirs.base_n, theirs.base_x)
        assert (ours.donations, ours.exposures, ours.age, ours.peak) == (theirs.d, theirs.x, theirs.age, theirs.peak)
        assert (ours.peaks, ours.excess, ours.open, ours.recovery) == (
            theirs.peaks, theirs.excess, theirs.open, theirs.recovery,
        )  # fmt: skip
        verdicts.add(verdict or "nothing")
    assert ours.threshold(RULES.red) == theirs.threshold(reference.RED)
    assert ours.threshold(RULES.amber) == theirs.threshold(reference.AMBER)
    assert ours.expected() == theirs.expected()
    assert ours.chance(RULES) == pytest.approx(theirs.chance(), rel=1e-9)  # the same sum, other roundings
    return verdicts


def test_it_is_the_reference_on_the_real_appeal_holes_and_all(reference: ModuleType) -> None:
    minutes = [(minute.exposures, minute.donations) for minute, _is_gap in real_minutes()]
    # Its holes are stepped as zeros here, which both read as a stall and a recovery: every branch is walked.
    assert step_both(reference, minutes, 5e-5) == {"nothing", "amber", "stalled", "resolved"}


@pytest.mark.parametrize("stop", [None, 20 * 60])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_reference_on_simulated_appeals(reference: ModuleType, seed: int, stop: int | None) -> None:
    appeal = simulate(Random(seed), Size())
    minutes = [(minute.exposures, minute.donations) for minute in minutes_of(DOOR, appeal, stop)]
    verdicts = step_both(reference, minutes, 0.018)
    assert ("stalled" in verdicts) == (stop is not None)


def test_its_chance_is_a_negative_binomial_distribution_function() -> None:
    detector = Detector.with_prior(0.02, 4.0)
    for exposures, donations in [(300, 1), (500, 0), (800, 2), (900, 0)]:
        detector.step(RULES, exposures, donations)
        shape = 1 / (1 / (RULES.steadiness * (1 + detector.age / RULES.settle)) + 1 / detector.base_donations)
        scale = shape / detector.rate
        expected = betainc(shape, detector.donations + 1, scale / (scale + detector.exposures))
        assert detector.chance(RULES) == pytest.approx(expected, rel=1e-12)


def test_its_numbers_pass_through_json_to_the_last_bit() -> None:
    through, straight = Detector.with_prior(0.018, 4.0), Detector.with_prior(0.018, 4.0)
    for minute in minutes_of(DOOR, simulate(Random(7), Size()), 20 * 60):
        straight.step(RULES, minute.exposures, minute.donations)
        through.step(RULES, minute.exposures, minute.donations)
        through = Detector(**msgspec.json.decode(msgspec.json.encode(through.numbers())))
        assert through == straight


def test_an_accepted_level_is_the_usual_one_from_then_on() -> None:
    detector = Detector.with_prior(0.018, 4.0)
    for _ in range(600):
        detector.step(RULES, 10, 0.18)
    before = detector.rate
    while detector.step(RULES, 10, 0) != "stalled":
        pass
    for _ in range(60):
        detector.step(RULES, 10, 0.01)
    detector.accept(RULES)
    assert not detector.open
    assert detector.rate < before / 5
    verdicts = {detector.step(RULES, 10, 0.01) for _ in range(600)}
    assert "stalled" not in verdicts


def test_a_threshold_is_learnt_from_the_peaks_of_the_appeal() -> None:
    calm, wild = Detector.with_prior(0.018, 4.0), Detector.with_prior(0.018, 4.0)
    wild.peaks, wild.excess = 40, 200.0
    assert calm.threshold(0.05) == 2 + 2 * log(4 / 0.05)
    assert wild.threshold(0.05) > 2 * calm.threshold(0.05)


@pytest.mark.parametrize("traffic", [0.2, 1.9, 40.0])
def test_what_it_foresees_is_what_steps_without_donations_find(traffic: float) -> None:
    detector = Detector.with_prior(0.018, 4.0)
    for minute in minutes_of(DOOR, simulate(Random(11), Size()), None):
        detector.step(RULES, minute.exposures, minute.donations)
    foreseen = detector.minutes_to_red(RULES, traffic, 10_000)
    assert detector.minutes_to_red(RULES, traffic, 1) is None
    verdicts = [detector.step(RULES, traffic, 0) for _ in range(10_000)]
    assert foreseen == verdicts.index("stalled") + 1
