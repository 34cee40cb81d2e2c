"""What can be wrong with the embedded PostgreSQL, in words for the person who started the program.

EmbeddedError            one sentence about what is wrong, and what to do about it
└── OwnedByAnother       another program already runs PostgreSQL in this data directory
"""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot run; the message says why and what to do."""


class OwnedByAnother(EmbeddedError):
    """Another program already runs PostgreSQL in this data directory."""
