"""The contracts: events, topics, codec, dead letters, rows.

Law of this room: it touches bytes and frozen records, nothing else.  No clock, no socket, no file except those that a
caller names: campaign files (`campaign`) and files of secrets (`secret`).

What a producer needs: `topics`, `events`, `heartbeats`, `annotations`, `reasons`, `dead_letters`, `campaign`, `money`,
`times`.  The codec's inside is the package `codec`.
"""
