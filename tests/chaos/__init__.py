"""The pipeline broken on purpose, for minutes, on three brokers: does every event still count exactly once?

    python -m tests.chaos --minutes 3 --seed 7

A run is drawn from its seed: which faults, on whom, when.  What the machine makes of that is not repeatable to the
millisecond, so a failure keeps the logs.
"""
