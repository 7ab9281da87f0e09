"""The schema in each database. The tables are the same: those of one file here have those of the other beside them."""
