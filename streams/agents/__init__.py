"""Thin shells: read a batch, step, emit.

Law: between the first read and the last write of a state there is no `await`, so a rebalance cannot come between.
An agent touches one stream, its state and its outputs; what it decides is decided in `streams.operators`.
"""
