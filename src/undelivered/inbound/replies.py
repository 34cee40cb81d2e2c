"""What the SMTP door answers: every reply that is not made of data, with its enhanced code (RFC 3463, RFC 5248).

Clients that are help desks lose a mail on almost any 4xx and 5xx, so each one here has a reason that a person can mend.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `ends` closes the connection after it."""

    code: int
    text: str
    ends: bool = False

    def __bytes__(self) -> bytes:
        return f"{self.code} {self.text}\r\n".encode("ascii", "replace")


OK = Reply(250, "2.0.0 Ok")
SENDER_OK = Reply(250, "2.1.0 Ok")
RECIPIENT_OK = Reply(250, "2.1.5 Ok")
GO_AHEAD = Reply(354, "End the mail with a line that holds one dot")
BYE = Reply(221, "2.0.0 Bye", ends=True)
LOGGED_IN = Reply(235, "2.7.0 Logged in")
START_TLS = Reply(220, "2.0.0 Ready to start TLS")
CANNOT_VERIFY = Reply(252, "2.0.0 Send the mail, and see the log")
HELP = Reply(214, "2.0.0 HELO EHLO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY QUIT (RFC 5321)")

# Commands that cannot be taken as they are.
UNKNOWN_COMMAND = Reply(500, "5.5.2 Command not known")
BARE_LINE_END = Reply(500, "5.5.2 Lines end with CRLF")
LINE_TOO_LONG = Reply(500, "5.5.2 Line too long", ends=True)
NOT_DONE = Reply(502, "5.5.1 Command not offered")
NO_ARGUMENT = Reply(501, "5.5.4 This command takes no argument")
NAME_WANTED = Reply(501, "5.5.4 Say your name: EHLO name")
SAY_LHLO = Reply(500, "5.5.1 This is LMTP: say LHLO name")
HELLO_FIRST = Reply(503, "5.5.1 Say EHLO first")
MAIL_FIRST = Reply(503, "5.5.1 MAIL comes first")
RECIPIENT_FIRST = Reply(503, "5.5.1 RCPT comes first")
ONE_AT_A_TIME = Reply(503, "5.5.1 One mail at a time: this one has its sender already")
NO_RECIPIENT = Reply(501, "5.1.3 The recipient's address is empty")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3 Too many recipients: send the mail again to the others")
NOT_OURS = Reply(550, "5.1.1 There is no such address here")
RELAYING_DENIED = Reply(550, "5.7.1 Relaying denied: log in to send mail to others")
POSTMASTER_BUSY = Reply(450, "4.7.1 The postmaster has had much mail: come back in an hour")
NOT_TO_US = Reply(421, "4.7.0 This is a mail server", ends=True)
TOO_MANY_ERRORS = Reply(421, "4.7.0 Too many errors", ends=True)

# Who may submit.
AUTH_FIRST = Reply(530, "5.7.0 Authentication required")
AUTH_FAILED = Reply(535, "5.7.8 User or password is wrong")
AUTH_FAILED_OFTEN = Reply(421, "4.7.0 User or password is wrong; too many attempts", ends=True)
AUTH_ENCRYPTED = Reply(538, "5.7.11 Encryption required: STARTTLS comes first")
AUTH_DONE = Reply(503, "5.5.1 You are logged in already")
AUTH_OUTSIDE_MAIL = Reply(503, "5.5.1 Log in before MAIL")
AUTH_UNKNOWN = Reply(504, "5.5.4 Use PLAIN or LOGIN")
AUTH_CANCELLED = Reply(501, "5.7.0 Cancelled")
AUTH_UNREADABLE = Reply(501, "5.5.2 That is not base64")
AUTH_UNAVAILABLE = Reply(454, "4.7.0 Logins cannot be checked for the moment")
TLS_DONE = Reply(503, "5.5.1 TLS is on already")
TLS_PIPELINED = Reply(503, "5.5.1 Nothing may follow STARTTLS before its reply", ends=True)

# The mail itself.
TOO_BIG = "5.3.4 The mail is larger than {limit} bytes"
ENDLESS_HEADERS = Reply(554, "5.6.0 The mail's headers have no end")
LOOSE_DOT = Reply(554, "5.6.0 A line with one dot must stand between CRLF line ends (this is how mail is smuggled)")
HOPS = Reply(554, "5.4.6 The mail is going in circles")
NO_FROM = Reply(550, "5.7.1 The mail has no From header with an address")
NO_ROOM = Reply(452, "4.3.1 Not enough free space on the disk")

# The connection.
STOPPING = Reply(421, "4.3.2 The server is being restarted, come back at once", ends=True)
TIMED_OUT = Reply(421, "4.4.2 Nothing was heard for too long", ends=True)
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0 Too many connections", ends=True)
TOO_FAST = Reply(421, "4.7.0 Too many connections in a short time", ends=True)
LOCKED_OUT = Reply(421, "4.7.0 Too many failed logins from your address, wait a minute", ends=True)
OUR_FAULT = Reply(451, "4.3.0 An error of ours; send the mail again")
