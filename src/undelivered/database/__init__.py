"""Where PostgreSQL is (embedded, or the one of UNDELIVERED_DATABASE_URL) and what its big tables need."""
