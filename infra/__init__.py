"""The ground the streams stand on: brokers, the store, the processes that serve them.

Law of the room: nothing in here knows what an event means, and nothing that it starts outlives it.
"""
