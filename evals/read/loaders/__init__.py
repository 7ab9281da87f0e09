"""One file a data set: how it is found in a folder, and how its public format becomes cases.

Each has `NAME`, `ORIGIN` (where the original comes from), and `find(folder)`, which yields what is there.
"""
