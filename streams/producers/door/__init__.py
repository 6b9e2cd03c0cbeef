"""`door`: the sample appeal, made by one blog post.

Everything is fixed (seed, dates, bytes), so that its figures can be checked from events alone:

    446 shares; 92 donations from 92 donors within the 48 hours, $4,352.00 gross, 62 strong and 30 weak ties;
    $5,900.00 in the end; 3,002,400 estimated impressions of two celebrities and one donation from them.

It holds what real feeds hold: late events, events sent twice, links that were never registered, one that was
registered a day too late, claims of somebody else's link, and messages that nobody can read.
"""

from streams.producers.door.calendar import CAMPAIGN_ID, END_MS, RESULTS_MS, START_MS, TAIL_END_MS
from streams.producers.door.notes import notes
from streams.producers.door.stream import records

__all__ = ["CAMPAIGN_ID", "END_MS", "RESULTS_MS", "START_MS", "TAIL_END_MS", "notes", "records"]
