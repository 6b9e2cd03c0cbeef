"""Simulated appeals, and how the stall detector does on them."""
