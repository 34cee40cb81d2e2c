"""Django's own PostgreSQL backend, but for one thing: see `base`."""
