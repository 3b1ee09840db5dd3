"""`queue`: messages go in as they are, and what could not be handled can be looked at and sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import keys
from shared.queue import open_queue
from shared.queue.receiver import Queues
from shared.wiring.clock import SystemClock
from tests.cli.conftest import CommandLine


@pytest.fixture
def queue(settings: Path) -> Iterator[Queues]:
    settings.parent.mkdir(exist_ok=True)
    with open_queue(f"sqlite:///{settings}", SystemClock()) as opened:
        yield opened


def give_up(queue: Queues, name: str, body: bytes) -> int:
    number = queue.send_raw(name, body) or 0
    (delivery,) = queue.receive(name)
    queue.dead_letter(delivery, reason="MessageRefused", description="body: is not JSON")
    return number


def test_send_a_body(ado: CommandLine, queue: Queues) -> None:
    sent = ado.json("queue", "send", "onboarding", "--body", '{"organization": "größe"}')
    assert list(sent) == list(keys.SENT)
    (delivery,) = queue.receive("onboarding")
    assert delivery.sequence_number == sent["sequenceNumber"]
    assert delivery.body == '{"organization": "größe"}'.encode()


def test_send_standard_input_byte_for_byte(ado: CommandLine, queue: Queues) -> None:
    ado.process("queue", "send", "inventory", stdin=b"\xff\x00 not text\r\n")
    (delivery,) = queue.receive("inventory")
    assert delivery.body == b"\xff\x00 not text\r\n"


@pytest.mark.parametrize("told", [("--body", " "), ()])
def test_no_message_is_not_sent(ado: CommandLine, queue: Queues, told: tuple[str, ...]) -> None:
    done = ado.process("queue", "send", "onboarding", *told, stdin=b"\n", code=None)
    assert done.code
    assert "--body: there is no message. Give it with --body, or on standard input." in done.err
    assert list(queue.receive("onboarding")) == []


def test_counts_of_every_queue(ado: CommandLine, queue: Queues) -> None:
    queue.send_raw("posture", b"{}")
    give_up(queue, "onboarding", b"x")
    rows = ado.json("queue", "list")
    assert all(list(one) == list(keys.QUEUE) for one in rows)
    counts = {one["queue"]: (one["active"], one["deadLetters"]) for one in rows}
    assert counts == {
        "onboarding": (0, 1),
        "prerequisites": (0, 0),
        "inventory": (0, 0),
        "extension": (0, 0),
        "posture": (1, 0),
        "notifications": (0, 0),
        "images": (0, 0),
    }


def test_dead_letters_are_listed_with_why(ado: CommandLine, queue: Queues) -> None:
    number = give_up(queue, "onboarding", b"\xffnot json")
    (row,) = ado.json("queue", "dead-letters", "list")
    assert list(row) == list(keys.DEAD_LETTER)
    assert row["id"] == f"onboarding/{number}"
    assert row["reason"] == "MessageRefused"
    assert row["description"] == "body: is not JSON"
    assert row["body"] == "\\xffnot json"
    assert row["deliveries"] == 1
    assert ado.json("queue", "dead-letters", "list", "--queue", "posture") == []
    assert f"onboarding/{number}" in ado("queue", "dead-letters", "list").out


def test_replay_by_id(ado: CommandLine, queue: Queues) -> None:
    first, second = give_up(queue, "onboarding", b"1"), give_up(queue, "onboarding", b"2")
    assert ado.json("queue", "dead-letters", "replay", f"onboarding/{first}") == {"replayed": 1}
    assert [one.sequence_number for one in queue.dead_letters("onboarding")] == [second]
    assert queue.receive("onboarding")[0].body == b"1"


def test_replay_all_of_a_queue(ado: CommandLine, queue: Queues) -> None:
    give_up(queue, "onboarding", b"1")
    give_up(queue, "posture", b"2")
    assert ado.json("queue", "dead-letters", "replay", "--all", "--queue", "posture") == {"replayed": 1}
    assert ado.json("queue", "dead-letters", "replay", "--all") == {"replayed": 1}
    assert ado.json("queue", "dead-letters", "replay", "--all") == {"replayed": 0}


def test_discard(ado: CommandLine, queue: Queues) -> None:
    number = give_up(queue, "onboarding", b"1")
    assert ado.json("queue", "dead-letters", "discard", str(number), "--queue", "onboarding") == {
        "discarded": 1
    }
    assert queue.dead_letters("onboarding") == ()


def test_an_id_that_is_gone_is_said(ado: CommandLine) -> None:
    told = ado("queue", "dead-letters", "discard", "onboarding/4711", code=1)
    assert "Discarded: 0" in told.out
    assert "no dead letters" in told.err
