"""The way into ClickHouse: a client, rows of batches, inserts, and how far each log has landed.

Law: rows first, then the position that speaks of them.  ClickHouse that is unavailable is waited for; what a person
must mend is a `Fault`.

    client    the connection, and what an error of the driver means
    rows      batches to JSON lines by table
    inserts   one insert a table, again while ClickHouse is unavailable
    landed    the positions of the sink, kept in the store
"""
