"""What is looked at, one file a record: each takes a `Lookup` and what was `Asked`, and gives a `Check`."""
