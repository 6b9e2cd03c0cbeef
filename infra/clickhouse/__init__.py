"""The store: tables, views that carry the business meaning, and what applies and reads them.

Law of the room: a figure is defined once, in a view, and is right with merges stopped and every row stored twice.
Python here applies files and dresses numbers; it computes none.

    tables/        what holds rows, and what fills them; numbered, never changed
    functions.sql  formulas, each once
    views/         what reads, a folder a family:
                   base         whose each event is, and the sums and sets that everything else stands on
                   appeal       how an appeal stands
                   influencers  who moves people
                   trust        how complete and how trustworthy that is
                   stalls       what the detector and people have said
    migrate        applies tables once, and functions and views (definition) whenever their text has changed
    campaigns      loads the campaign files, and fills again what rows keep of them
    landing        refuses a table that lacks a column for what lands
    figures        the figures of one appeal, for `demo` and `report`
"""
