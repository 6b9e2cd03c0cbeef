"""The contracts: events, topics, codec, dead letters, rows.

Law of this room: it touches bytes and frozen records, nothing else.  No clock, no socket, no file except the
campaign files that a caller names.
"""
