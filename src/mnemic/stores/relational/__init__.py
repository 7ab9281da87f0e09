"""What every store in a relational database does alike: one set of statements over the same tables.

Functions here run inside one transaction of a `db.Db`, which an engine (`stores.sqlite`, `stores.postgres`) opens.
"""
