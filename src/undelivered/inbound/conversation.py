"""One SMTP conversation (RFC 5321 with its extensions), without a socket: bytes in, replies out.

What it cannot decide alone it asks of its `Line`. Where that takes time it waits, and keeps what comes meanwhile:
clients may pipeline (RFC 2920). The replies of one turn are written at once.
"""

from __future__ import annotations

from undelivered.inbound import commands, ours, replies, verbs
from undelivered.inbound.access import Grant
from undelivered.inbound.body import Body, Fault
from undelivered.inbound.commands import Bad
from undelivered.inbound.envelope import Envelope, Line, Terms
from undelivered.inbound.login import Exchange, Step
from undelivered.inbound.replies import Reply

MOST_ERRORS = 20
#: Commands in a row that move nothing.
MOST_IDLE_COMMANDS = 200
MOST_LOGINS = 3
#: Bytes kept while a reply is waited for; beyond them the line is asked to be quiet.
MOST_KEPT = 64 * 1024


class Conversation:
    """`open`, then `feed` for all that comes."""

    greets_as = "ESMTP"
    verbs = verbs.VERBS

    def __init__(self, line: Line, terms: Terms, grants: tuple[Grant, ...] = ()) -> None:
        self.line, self.terms = line, terms
        self.trusted = grants  # what the client's address alone may do
        self.grants = grants
        self.helo = ""
        self.extended = False
        self.brings = False  # it has named an address of ours, which only who has had mail from here can know
        self.mail: Envelope | None = None
        self.body: Body | None = None
        self.exchange: Exchange | None = None
        self.pipelined = False  # more came together with the command that is looked at
        self.waiting = False
        self.ended = False
        self._errors = self._logins = self._idle_commands = 0
        self._kept = b""
        self._out: list[bytes] = []

    @property
    def idle(self) -> bool:
        """Whether it could end without harm."""
        return self.mail is None and not self.waiting

    @property
    def held(self) -> int:
        """Bytes in memory of a mail that is coming in."""
        return self.body.held if self.body else 0

    def open(self) -> None:
        self.line.write(f"220 {self.terms.name} {self.greets_as} Undelivered\r\n".encode("ascii", "replace"))

    def feed(self, data: bytes) -> None:
        data, at = self._kept + data, 0
        while at < len(data) and not self.waiting and not self.ended:
            if self.body is not None:
                rest = self.body.feed(data[at:] if at else data)
                data, at = rest or b"", 0
                if rest is not None:
                    self._received(self.body)
                continue
            end = data.find(b"\n", at)
            if end < 0:
                if len(data) - at > commands.LONGEST_LINE:
                    self.say(replies.LINE_TOO_LONG)
                break
            line, at = data[at:end], end + 1
            self.pipelined = at < len(data)
            self._take(line)
        self._kept = b"" if self.ended else data[at:]
        self.flush()
        if self.waiting and len(self._kept) > MOST_KEPT:
            self.line.quiet(True)

    # --- what was waited for --------------------------------------------------------------------------------------

    def answer(self, reply: Reply) -> None:
        """What became of the submitted mail."""
        mail, self.mail = self.mail, None
        if mail is not None:
            self._go_on(*self.concluding(mail, reply))

    def concluding(self, mail: Envelope, reply: Reply) -> list[Reply]:
        """What is said after a mail's last dot."""
        return [reply]

    def logged_in(self, grant: Grant | None, failure: Reply = replies.AUTH_FAILED) -> None:
        if grant is not None:
            self.grants = (grant,)
            self._go_on(replies.LOGGED_IN)
            return
        self._logins += 1
        often = failure is replies.AUTH_FAILED and self._logins >= MOST_LOGINS
        self._go_on(replies.AUTH_FAILED_OFTEN if often else failure)

    def encrypted(self) -> None:
        """TLS is on: everything that was said before is forgotten (RFC 3207, section 4.2)."""
        self.helo, self.grants, self._kept, self.waiting = "", self.trusted, b"", False

    def end(self, reply: Reply) -> None:
        """Ends from outside: the time is up, or the program stops."""
        if not self.ended:
            self.say(reply)
            self.flush()

    def _go_on(self, *answers: Reply) -> None:
        if self.ended:
            return
        self.waiting = False
        for reply in answers:
            self.say(reply)
        if len(self._kept) > MOST_KEPT:
            self.line.quiet(False)
        self.feed(b"")

    # --- talking --------------------------------------------------------------------------------------------------

    def say(self, reply: Reply) -> None:
        self._out.append(bytes(reply))
        if reply.code >= 500:
            self._errors += 1
            if self._errors >= MOST_ERRORS and not reply.ends:
                self._out.append(bytes(replies.TOO_MANY_ERRORS))
                self.ended = True
        self.ended = self.ended or reply.ends

    def list(self, lines: list[str]) -> None:
        """A reply of several lines, all of them 250."""
        marks = ["-"] * (len(lines) - 1) + [" "]
        said = "".join(f"250{mark}{text}\r\n" for mark, text in zip(marks, lines, strict=True))
        self._out.append(said.encode("ascii", "replace"))

    def flush(self) -> None:
        if self._out:
            self.line.write(b"".join(self._out))
            self._out.clear()
        if self.ended:
            self.line.close()

    def _take(self, line: bytes) -> None:
        if not line.endswith(b"\r"):
            self.say(replies.BARE_LINE_END)
            return
        if len(line) > commands.LONGEST_LINE:
            self.say(replies.LINE_TOO_LONG)
            return
        try:
            text = commands.decode(line[:-1])
            if self.exchange is not None:
                self.log_in(self.exchange.next(text))
                return
            verb, argument = commands.split(text)
            self._count_idle(verb)
            if not self.ended:
                self.verbs.get(verb, verbs.unknown)(self, argument)
        except Bad as bad:
            self.exchange = None
            self.say(Reply(501, f"5.5.4 {bad}"))

    def _count_idle(self, verb: str) -> None:
        self._idle_commands = self._idle_commands + 1 if verb in verbs.IDLE else 0
        if self._idle_commands > MOST_IDLE_COMMANDS:
            self.say(replies.TOO_MANY_ERRORS)

    def log_in(self, step: Step) -> None:
        """One step of AUTH: a question, a refusal, or a user and a password."""
        if isinstance(step, Reply):
            if step.code != 334:
                self.exchange = None
            self.say(step)
            return
        self.exchange = None
        self.waiting = True
        self.line.log_in(*step)

    # --- mails ----------------------------------------------------------------------------------------------------

    def begin(self, mail_from: str, *, smtputf8: bool) -> None:
        self.mail = Envelope(mail_from, smtputf8=smtputf8, grants=self.grants)

    def add_recipient(self, address: str) -> Reply | None:
        """Takes a recipient, or says why not: everybody may bring back what is ours, and some may send to others."""
        assert self.mail is not None
        found = self.line.ours(address)
        if isinstance(found, Reply):
            return found
        if found is None and not self.grants:
            return ours.refusal(address)
        refusal = self.mail.add(address, found, self.terms)
        self.brings = self.brings or (found is not None and refusal is None)
        return refusal

    def begin_body(self) -> None:
        assert self.mail is not None
        self.body = Body(self.terms.size_limit, goes_on=bool(self.mail.recipients))

    def _received(self, body: Body) -> None:
        """The mail is there, or was not worth keeping."""
        mail, self.body = self.mail, None
        assert mail is not None
        if body.fault is not None:
            self.mail = None
            for one in self.concluding(mail, self._refusal(body.fault)):
                self.say(one)
            return
        mail.content, mail.helo, mail.peer, mail.protocol = body.content, self.helo, self.line.peer, self.protocol()
        reply = self.line.submit(mail)
        if reply is None:
            self.waiting = True
            self._errors = 0
        else:
            self.mail = None
            for one in self.concluding(mail, reply):
                self.say(one)

    def _refusal(self, fault: Fault) -> Reply:
        if fault is Fault.ENDLESS_HEADERS:
            return replies.ENDLESS_HEADERS
        if fault is Fault.LOOSE_DOT:
            return replies.LOOSE_DOT
        return self.too_big(ends=fault is Fault.EXCESSIVE)

    def too_big(self, *, ends: bool = False) -> Reply:
        return Reply(552, replies.TOO_BIG.format(limit=self.terms.size_limit), ends)

    def protocol(self) -> str:
        """As a Received header names it (RFC 3848, RFC 6531)."""
        if not self.extended:
            return "SMTP"
        utf8 = self.mail is not None and self.mail.smtputf8
        logged_in = self.grants is not self.trusted
        return f"{'UTF8SMTP' if utf8 else 'ESMTP'}{'S' if self.line.encrypted else ''}{'A' if logged_in else ''}"
