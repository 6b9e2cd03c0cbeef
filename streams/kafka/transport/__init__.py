"""`kafka-batch://`: a Faust transport that hands an agent whole batches and checks the chain of offsets.

Law: an agent sees every offset of its partitions in order, exactly once an epoch (an epoch ends with a rebalance
or a rewind).  Stock Faust has more places where a fetched record is lost at a rebalance than can be listed, so
this driver does not look for them.  It checks the chain twice and rewinds where it is broken:

    log --fetch--> [begins at the next offset to deliver?] --queue--> [begins at the agent's position?] --> agent
           ^                 | no: seek back                                 | no: rewind
           +-----------------+-----------------------------------------------+

A batch that was delivered and never arrived, with none after it, is noticed by a timer.
"""

from __future__ import annotations

from faust.transport.drivers import aiokafka as driver

from streams.kafka.transport.batch import Batch, LogTruncated, Positions
from streams.kafka.transport.consumer import Consumer

__all__ = ["Batch", "Consumer", "LogTruncated", "Positions", "Transport"]


class Transport(driver.Transport):
    """Faust finds it by the URL scheme (entry point group `faust.transports`)."""

    Consumer = Consumer
