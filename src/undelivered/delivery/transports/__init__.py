"""Ways to hand a mail to a provider. Each takes bytes and an envelope, and answers with an outcome, never an exception."""
