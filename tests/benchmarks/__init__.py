"""Measurements, not tests: ratios in one run, with the command that made them."""
