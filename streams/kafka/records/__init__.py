"""From the bytes of a fetch to records, or to one mark that says why not.

Law: whatever the bytes, nothing else is raised on the way from a fetch to the codec.  A record is handed out as it lies
in the log, a header whose name is no UTF-8 included.  A batch that expands to more than a worker's memory may bear is
handed out as records that are `too_large`, without a look inside.  What no client can read (a wrong checksum, an
unknown format, compressed data that is cut) is no producer's event but damage of the log: a `Damaged` mark names the
offsets, and whoever reads them decides.

    fetch --split--> record batches --checksum, bounded expansion--> records
                                                      | cannot be read --> Damaged
                     nothing left to hand out (markers, holes) ---------> Passed
"""

from streams.kafka.records.batches import Damage
from streams.kafka.records.range_markers import Damaged, Passed, RangeMarker, damage_fault
from streams.kafka.records.reading import read_records_safely

__all__ = ["Damage", "Damaged", "Passed", "RangeMarker", "damage_fault", "read_records_safely"]
