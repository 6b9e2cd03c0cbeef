"""HTTP servers of this machine: the embedded ClickHouse and the live page.

Law: no client holds a server. A connection that asks nothing, or does not take its answer, is ended, and it is the one
that makes room when there are too many; an answer is never kept for who does not come for it.

    listening    a socket, and uvicorn on it
    connections  how many, and how long each may wait
    close_unread_body  hang up on a body that nobody reads
    replies      an answer in pieces, as fast as it is taken
"""
