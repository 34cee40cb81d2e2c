"""The commands of `undelivered`, one file a noun. They are imported when they are called, so that `--help` is quick."""
