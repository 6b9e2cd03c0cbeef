"""The other programs: each a process of its own, which reads a filled log and writes its values.

Law: they know `job` and their own library, nothing of Groundswell.
"""
