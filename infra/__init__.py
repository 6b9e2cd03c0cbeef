"""The ground the streams stand on: brokers, the store, the processes that serve them.

Law of the room: nothing that it starts outlives it.  Two of its rooms know what the data means, `clickhouse` (tables
and views are the meaning, as SQL) and `grafana` (what it publishes names campaigns and incidents); the others move
bytes and run processes.
"""
