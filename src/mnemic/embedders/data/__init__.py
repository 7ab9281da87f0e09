"""What `make_prior` measured, and the sentences it measured with."""
