"""Mails on disk: whole or not there, in order, and never thrown away."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.database import ids
from undelivered.delivery.relayed import Relayed
from undelivered.inbound.arrivals import NewArrival
from undelivered.inbound.spool import OLD_S, Spool, Unreadable, packed, unpacked


def mail(raw: bytes = b"From: it@it.example\r\n\r\nHi\n\x00\xff\r\n", *recipients: str) -> Relayed:
    id = ids.uuid7()
    return Relayed(
        id=id,
        project_id=7,
        from_address="it@it.example",
        from_name="Büro",
        subject="Läuft",
        recipients=tuple((id if n == 0 else ids.uuid7(), to) for n, to in enumerate(recipients or ("ann@b.example",))),
        raw=raw,
        headers=(("Received", "from x\r\n\tby y"),),
        source={"helo": "x", "smtputf8": True},
    )


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool", least_free=1)
    made.prepare()
    return made


@given(st.binary(max_size=300), st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=3))
def test_what_is_written_is_what_is_read(raw: bytes, recipients: list[str]) -> None:
    one = mail(raw, *recipients)
    assert unpacked(packed(one)) == one


@given(st.binary(max_size=300), st.dictionaries(st.text(max_size=5), st.text(max_size=20)))
def test_what_came_back_is_written_and_read_too(raw: bytes, about: dict[str, str]) -> None:
    one = NewArrival("smtp", raw, about, project_id=7)
    assert unpacked(packed(one)) == one


def test_a_door_that_is_older_than_a_kind_does_not_touch_its_files(spool: Spool) -> None:
    spool.write([back := NewArrival("smtp", b"x"), one := mail()])
    assert [path.suffix for path in spool.waiting()] == [".arrival", ".mail"]
    assert [found for _, found in spool.read(spool.waiting())] == [back, one]


def test_mails_wait_oldest_first(spool: Spool) -> None:
    mails = [mail() for _ in range(5)]
    spool.write(mails[3:])
    spool.write(mails[:3])
    assert [found for _, found in spool.read(spool.waiting())] == mails


def test_writing_twice_is_writing_once(spool: Spool) -> None:
    one = mail()
    spool.write([one])
    spool.write([one])
    assert [found for _, found in spool.read(spool.waiting())] == [one]


def test_nobody_else_may_read_them(spool: Spool) -> None:
    spool.write([mail()])
    (path,) = spool.waiting()
    assert path.stat().st_mode & 0o777 == 0o600
    assert spool.folder.stat().st_mode & 0o777 == 0o700


def test_the_file_and_its_folder_are_on_the_disk_before_it_counts(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (synced.append(os.readlink(f"/proc/self/fd/{handle}")), real(handle))
    )
    one = mail()
    spool.write([one])
    assert [Path(path).name for path in synced] == [f".{one.id}.new", spool.folder.name]


def test_a_crash_between_writing_and_renaming_leaves_nothing_that_counts(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", crash)
    with pytest.raises(KeyboardInterrupt):
        spool.write([mail()])
    monkeypatch.undo()
    (left,) = spool.folder.glob(".*.new")
    assert spool.waiting() == []
    spool.prepare()
    assert left.exists(), "it may be another door's that is writing it"
    os.utime(left, (0, left.stat().st_mtime - OLD_S - 1))
    spool.prepare()
    assert not left.exists()


def test_without_room_nothing_counts_and_nothing_is_left(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space"):
        spool.write([mail()])
    assert [path for path in spool.folder.iterdir() if path.is_file()] == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data.replace(b"Hi", b"Ho"),
        lambda data: data.replace(b"it.example", b"at.example", 1),
        lambda data: data.replace(b"undelivered-spool 1", b"undelivered-spool 2"),
        lambda data: b"",
        lambda data: b"\n\n\n",
        lambda data: b"\x00" * len(data),
    ],
)
def test_a_damaged_file_is_put_aside_reported_and_kept(spool: Spool, damage, caplog) -> None:  # type: ignore[no-untyped-def]
    good, bad = mail(), mail()
    spool.write([good, bad])
    path = spool.folder / f"{bad.id}.mail"
    path.write_bytes(damage(path.read_bytes()))
    assert [found for _, found in spool.read(spool.waiting())] == [good]
    assert (spool.aside / path.name).exists()
    assert spool.summary().aside == 1
    assert "put aside" in caplog.text


def test_a_file_that_another_door_has_drained_is_no_fault(spool: Spool) -> None:
    spool.write([mail()])
    paths = spool.waiting()
    spool.remove(paths[0])
    spool.remove(paths[0])
    assert spool.read(paths) == []


def test_one_door_at_a_time_drains(spool: Spool) -> None:
    other = Spool(spool.folder, least_free=1)
    with spool.turn() as ours:
        assert ours
        with other.turn() as theirs:
            assert not theirs
    with other.turn() as theirs:
        assert theirs


def test_little_free_space_is_full(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not spool.full()
    assert Spool(spool.folder, least_free=10**18).full()
    assert Spool(spool.folder / "gone" / "away", least_free=1).full()


def test_the_summary_says_what_waits(spool: Spool) -> None:
    assert (spool.summary().files, spool.summary().oldest_s) == (0, 0.0)
    spool.write([mail(), mail(b"x" * 1000)])
    found = spool.summary()
    assert (found.files, found.aside) == (2, 0)
    assert found.size > 1000
    assert 0 <= found.oldest_s < 60


def test_a_file_of_another_kind_says_so() -> None:
    with pytest.raises(Unreadable, match="form"):
        unpacked(b"another form 1 2 3\n{}\n")


def test_replaced_values_survive() -> None:
    one = replace(mail(), subject="\ufffd", source={})
    assert unpacked(packed(one)) == one
