"""Slices of all source partitions, merged into sliding windows under watermarks.

windower        the step: slices in, window results and watermarks out
timeline        the minutes of one entity
sliding         which windows hold a minute
rates           results as columns of `conversions`
mixed_settings  source workers whose settings differ
"""
