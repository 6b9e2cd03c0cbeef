"""Everything that speaks to Kafka.

Law: a broker that is unavailable is waited for without a limit, and that is logged once; one that refuses us is a
`Fault`.  One producer sends one record of a key at a time, in order.

    records          from the bytes of a fetch to records
    transport        batches from Kafka through Faust, and the chain of offsets
    batch_producer   records sent in order, and flushed
    log_tail         the newest records of a partition, read by a client of its own
    checkpoints, epochs, stall_records, skipping   what a worker reads from log tails before it reads on
    loading          how far such a read has come
    connectivity     whether brokers answer and let us in
    admin            the admin client
    whole_letters    the whole payload of a dead letter that was cut
"""
