"""The worker."""

from datetime import timedelta

SEEN_WITHIN = timedelta(seconds=60)
