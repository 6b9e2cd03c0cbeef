"""Pure steps: join, slices, windows, stall detection.

Law of this room: a function touches its arguments.  No clock, no socket, no log line; time is an argument.

    attribution   the join: events of one source partition to counters a minute and entity (slices)
    windowing     slices of all source partitions to sliding windows and watermarks
    stalls        slices to the states of the stall detectors
    counters      what all three add up
"""
