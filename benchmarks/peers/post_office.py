"""django-post_office: mails into its table by `send` or `send_many`, out by `send_queued_mail` with two processes.

A helper process; run by the interpreter of `.venv-bench`. Its log keeps a row for each mail, which is its default and
what ours does too.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from typing import Any

import django

from benchmarks._helper import serve
from benchmarks._mails import mails

SENDER = "desk@example.com"
PROCESSES = 2
_kept: dict[str, Any] = {}


def prepare() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def write(n: int, size: int = 4096) -> None:
    _kept["mails"] = [
        {"sender": SENDER, "recipients": mail["recipient"], "subject": mail["subject"], "message": mail["text"]}
        for mail in mails(n, size)
    ]


def template(subject: str, text: str, html: str) -> None:
    from post_office.models import EmailTemplate

    EmailTemplate.objects.update_or_create(
        name="comment", defaults={"subject": subject, "content": text, "html_content": html}
    )


def write_templated(mails: list[dict[str, Any]]) -> None:
    """`mails`: recipient and the values of the template's variables."""
    _kept["mails"] = [
        {"sender": SENDER, "recipients": one["recipient"], "template": "comment", "context": one["values"]}
        for one in mails
    ]


def one_by_one() -> dict[str, Any]:
    from post_office import mail

    begun = time.perf_counter()
    for one in _kept["mails"]:
        mail.send(**one)
    return {"begun": begun, "ended": time.perf_counter()}


def in_batches(per_call: int) -> dict[str, Any]:
    from post_office import mail

    begun = time.perf_counter()
    for at in range(0, len(_kept["mails"]), per_call):
        mail.send_many(_kept["mails"][at : at + per_call])
    return {"begun": begun, "ended": time.perf_counter()}


def drain() -> dict[str, Any]:
    """What its command does, without the start of a process that a cron job would add.

    To send while mails still come in is no quicker (tried): both cores are busy either way.
    """
    from post_office.mail import send_queued_mail_until_done

    begun = time.perf_counter()
    send_queued_mail_until_done(lockfile=_kept["lock"], processes=PROCESSES)
    return {"begun": begun, "ended": time.perf_counter(), "queued": _left()}


def _left() -> int:
    from post_office.models import STATUS, Email

    return int(Email.objects.exclude(status=STATUS.sent).count())


def tidy() -> None:
    """What was sent goes, as its clean-up command does: a round shall not carry the ones before it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE post_office_email, post_office_log CASCADE")


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers._settings"
    os.environ["BENCH_APPS"] = "django.contrib.contenttypes post_office"
    django.setup()
    logging.getLogger("post_office").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        _kept["lock"] = f"{folder}/lock"
        serve(
            {
                function.__name__: function
                for function in (prepare, write, template, write_templated, one_by_one, in_batches, drain, tidy)
            }
        )
