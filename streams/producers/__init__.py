"""The producers: what sends events, and the sample appeal they can send.

Law: imports `schemas`, kafka-python, and of `streams` the admin client and the security alone.  Whoever makes records
(`door`, `gdq`) touches no socket and no clock; whoever sends them (`send`, `player`, `topics`) decides nothing about
their content.
"""
