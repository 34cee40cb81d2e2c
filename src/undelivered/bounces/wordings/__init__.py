"""The tables of words: data only. How they are read is in `phrases` and `matching`."""
