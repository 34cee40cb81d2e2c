"""The worker, turn by turn, with a provider that answers as written down here."""

from __future__ import annotations

import pytest

from tests import make
from tests.delivery.worker_at import OK, state_of, types_of

pytestmark = pytest.mark.usefixtures("committed")


def test_what_is_due_is_sent_and_recorded(worker, project):
    row = make.notification(project)
    assert worker.turn() == 1
    assert state_of(row.id) == ("sent", "", "")
    assert types_of(row.id) == ["accepted"]
    row.refresh_from_db()
    assert (row.attempts, row.smtp_code, row.enhanced_code, row.detail) == (1, 250, "2.0.0", OK.reply)
    assert row.finished_at is not None
    assert row.worker is None
