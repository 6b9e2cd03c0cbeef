"""Groundswell's streams: operators, agents, transport, sink, commands.

Law: imports point inwards only: commands -> app -> agents -> sink, transport, outbox, checkpoints -> operators ->
schemas.  A contract in pyproject.toml holds it.
"""
