"""The store: tables, views that carry the business meaning, and what applies and reads them.

Law of the room: a figure is defined once, in a view, and is right with merges stopped and every row stored twice.
Python here applies files and dresses numbers; it computes none.

    0001 raw tables, 0002 results, 0003 campaigns     what is stored
    0004 attribution                                  whose each event is; everything below stands on it
    0005 appeal, 0006 influencers, 0007 completeness  what people ask
    migrate                                           applies the files in order, once
    figures                                           the figures of one appeal, for `demo` and `report`
"""
