"""Whether donations have stalled: one detector for each campaign, and for each influencer with donations enough.

detector       the sequential test on donations per exposure
state_machine  from minutes to one of seven states
completeness   up to which minute everything has been folded, and which feeds are silent
scheduler      which minutes to step, for whom, and what to publish
messages       the sentence for people
records        from a detector to its record and back
"""
