"""Which addresses are ours, so that anybody may bring mail to them; and what is said of those that only look so."""

from __future__ import annotations

from uuid import uuid4

import pytest

from undelivered.delivery import return_path
from undelivered.inbound import replies
from undelivered.inbound.ours import Ours, look, refusal

HOME = {"bounces.desk.example", "bounces.xn--mller-kva.example"}
ID = uuid4()
PATH = return_path.sender(ID, "bounces.desk.example")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (PATH, Ours()),
        (PATH.upper(), Ours()),
        (PATH.replace("bounces.desk.example", "anywhere.else.example"), Ours()),
        ("prvs=1234abcdef=" + PATH, Ours()),
        (return_path.probe(ID, "bounces.desk.example"), Ours()),
        (return_path.feedback_loop(7, "bounces.desk.example"), Ours(project_id=7)),
        (return_path.feedback_loop(None, "bounces.desk.example"), Ours()),
        ("postmaster@bounces.desk.example", Ours(postmaster=True)),
        ("PostMaster@Bounces.Desk.Example", Ours(postmaster=True)),
        ("postmaster@bounces.müller.example", Ours(postmaster=True)),
        ("Postmaster", Ours(postmaster=True)),
        ("postmaster@other.example", None),
        ("ann@northwind.example", None),
        ("nobody@bounces.desk.example", replies.NOT_OURS),
        (PATH.replace("b-", "b-a"), replies.NOT_OURS),
        ("@bounces.desk.example", replies.NOT_OURS),
        ("nobody", None),
        ("", None),
    ],
)
def test_whose_an_address_is(address: str, expected: object) -> None:
    assert look(address, HOME) == expected


def test_one_character_altered_is_refused_as_what_does_not_exist() -> None:
    local = PATH.partition("@")[0]
    for n, character in enumerate(local[2:], 2):
        altered = f"{local[:n]}{'a' if character != 'a' else 'b'}{local[n + 1 :]}@somewhere.example"
        assert look(altered, HOME) is None
        assert refusal(altered) == replies.NOT_OURS


@pytest.mark.parametrize(
    "address", ["ann@northwind.example", "b-ann@northwind.example", "a-long-name-of-a-list@b.example"]
)
def test_somebody_else_s_address_is_relaying(address: str) -> None:
    assert refusal(address) == replies.RELAYING_DENIED
