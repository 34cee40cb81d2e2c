"""What many write themselves: an outbox table, a Celery task for each mail, Redis, Django's SMTP backend.

Two ways. As it is usually written: a row and a task for each mail, `send_mail` in the task, Celery's defaults (it opens
its connections to the database and to the provider for each task). And as quick as it gets (`BENCH_TUNED`): connections
are kept, rows are stored many at a time, tasks are fetched ahead. In both, a task is acknowledged when it is done: else
a worker that dies loses mail; no results are kept in Redis. A helper process, and what the worker imports; run by the
interpreter of `.venv-bench`.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers._settings"
django.setup()

from celery import Celery, shared_task  # noqa: E402
from django.core.mail import EmailMessage, get_connection, send_mail  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks._helper import serve  # noqa: E402
from benchmarks._mails import mails  # noqa: E402

TUNED = bool(os.environ.get("BENCH_TUNED"))
app = Celery("outbox", broker=f"redis+socket://{os.environ['BENCH_REDIS']}")
app.conf.update(task_ignore_result=True, task_acks_late=True, broker_connection_retry_on_startup=True)
if TUNED:
    app.conf.update(worker_prefetch_multiplier=32, CELERY_DB_REUSE_MAX=1_000_000)
_kept: dict[str, Any] = {}
_own = threading.local()
SENDER = "desk@example.com"


class Outbox(models.Model):
    recipient = models.TextField()
    subject = models.TextField()
    text = models.TextField()
    state = models.CharField(max_length=10, default="queued")
    error = models.TextField(default="")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "outbox"

    def __str__(self) -> str:
        return self.subject


@shared_task(name="outbox.send")
def send(id: int) -> None:
    row = Outbox.objects.get(id=id)
    try:
        if TUNED:
            EmailMessage(row.subject, row.text, SENDER, [row.recipient], connection=_kept_smtp()).send()
        else:
            send_mail(row.subject, row.text, SENDER, [row.recipient])
    except OSError as error:
        Outbox.objects.filter(id=id).update(state="failed", error=str(error))
        raise
    Outbox.objects.filter(id=id).update(state="sent", sent_at=timezone.now())


def _kept_smtp() -> Any:
    """A connection for each thread."""
    if not hasattr(_own, "smtp"):
        _own.smtp = get_connection()
        _own.smtp.open()
    return _own.smtp


def prepare() -> None:
    if Outbox._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Outbox)


def write(n: int, size: int = 4096) -> None:
    _kept["mails"] = mails(n, size)


def first() -> None:
    """Waits until the worker that was just started is through with some mails."""
    made = Outbox.objects.bulk_create(Outbox(recipient="a@b.example", subject="x", text="y") for _ in range(32))
    for row in made:
        send.delay(row.pk)
    wait()
    tidy()


def one_by_one() -> dict[str, Any]:
    begun = time.perf_counter()
    for one in _kept["mails"]:
        with transaction.atomic():
            row = Outbox.objects.create(recipient=one["recipient"], subject=one["subject"], text=one["text"])
            transaction.on_commit(lambda id=row.pk: send.delay(id))  # type: ignore[misc]
    return {"begun": begun, "ended": time.perf_counter()}


def in_batches(per_call: int) -> dict[str, Any]:
    begun = time.perf_counter()
    for at in range(0, len(_kept["mails"]), per_call):
        with transaction.atomic():
            made = Outbox.objects.bulk_create(
                Outbox(recipient=one["recipient"], subject=one["subject"], text=one["text"])
                for one in _kept["mails"][at : at + per_call]
            )
        for row in made:
            send.delay(row.pk)
    return {"begun": begun, "ended": time.perf_counter()}


def wait() -> dict[str, Any]:
    """Until all are sent and that is recorded."""
    while (left := Outbox.objects.exclude(state="sent").count()) and not Outbox.objects.filter(state="failed").exists():
        time.sleep(0.02)
    return {"ended": time.perf_counter(), "queued": left}


def tidy() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE outbox_outbox")


if __name__ == "__main__":
    serve({function.__name__: function for function in (prepare, write, first, one_by_one, in_batches, wait, tidy)})
