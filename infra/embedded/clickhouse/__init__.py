"""ClickHouse's HTTP interface over chDB, as a process of its own.

Law of the room: chDB lets one process in, so this one process serves everybody over HTTP as a ClickHouse server
would. A client cannot tell the difference, except where chDB is less (no users but two, no sessions, no ENGINE=Kafka).

    protocol    bytes of a request -> Request; what clients send and how
    statements  text -> what kind of statement it is and why this user may not run it
    engine      chDB: one handle a request, settings first, readonly last
    replies     results and errors -> bytes of a reply
    app         the four of them behind a URL
"""
