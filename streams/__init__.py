"""Groundswell's streams: operators, agents, Kafka, ClickHouse, the worker, commands.

Law: imports point inwards only; the layers stand in pyproject.toml, every room in one of them, and `make imports` holds
them.
"""
