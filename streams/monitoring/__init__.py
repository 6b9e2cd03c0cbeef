"""What a worker shows of itself while it runs: metrics for Prometheus, liveness and readiness.

Law: nothing here touches the hot path.  Figures are read from what roles keep anyway, at the moment somebody asks; the
judgement of health is a pure function of what was seen.  The server runs in a thread of its own, so that it still
answers, and says so, when the worker's event loop hangs.
"""
