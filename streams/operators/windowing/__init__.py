"""Slices of all source partitions, merged into sliding windows under watermarks.

windower        the steps: fold a record, flush what is due, forget old minutes
state           what one partition of `slices` has folded
merging         the newest version of each slice counts
watermarks      up to which time the source partitions have come
emission        which windows are emitted, and when
timeline        the minutes of one entity
sliding         which windows hold a minute
rates           sums to the columns of `conversions`
mixed_settings  source workers whose settings differ
"""
