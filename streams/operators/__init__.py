"""Pure steps: join, slices, windows.

Law of this room: a function touches its arguments.  No clock, no socket, no log line; time is an argument.
"""
