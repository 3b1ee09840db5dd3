"""What only Table Storage can do to us: lost answers, busy servers, conflicts, half of a large change."""

from __future__ import annotations

import string
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.connector_state import StateUrlError, open_state
from shared.connector_state.tables import inventory
from shared.connector_state.tables.account import account_of
from shared.connector_state.tables.keys import DocumentTooLarge, pack, part, unpack
from shared.model.assessment import AssessmentChange, ResourceKind
from shared.model.extension import ExtensionState, ExtensionStatus
from shared.model.ids import ConnectorId, OrganizationId, ProjectId
from shared.model.inventory import Project
from shared.model.journal import JournalEvent
from shared.model.summary import findings_of
from shared.model.work import Lease, WorkKind
from shared.ports import InventoryChange, LeaseLost, State, StateConflict, StateUnavailable, ThrottleRecord
from tests.azurite.server import Azurite
from tests.connector_state.table_proxy import (
    Proxy,
    Trouble,
    answer,
    first,
    lose_the_answer,
    lose_the_request,
)
from tests.contract.adapters import START
from tests.contract.records import (
    CONNECTOR,
    INVENTORY,
    ORGANIZATION,
    TENANT,
    connector,
    enrollment,
    entry,
    lease,
    organization,
    project,
    repository,
    subjects,
)
from tests.contract.test_inventory import judged

LATER = START + timedelta(hours=1)
REFUSED = answer(403)
"""Not retried by the client, so an outage of one request costs no time."""


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[Proxy]:
    with Proxy(azurite.port) as opened:
        yield opened


@pytest.fixture
def table() -> str:
    return f"t{uuid.uuid4().hex}"


@pytest.fixture
def state(proxy: Proxy, table: str) -> Iterator[State]:
    opened = open_state(proxy.url(table))
    yield opened
    opened.close()


@pytest.fixture
def other(azurite: Azurite, table: str) -> Iterator[State]:
    """Another instance, on the same table and past the proxy."""
    opened = open_state(f"tables://127.0.0.1:{azurite.port}/{table}")
    yield opened
    opened.close()


# --- lost answers, lost requests, a busy server ---------------------------------------------------------

Step = Callable[[State], object]

EXTENSION = ExtensionState("p", "e", ExtensionStatus.INSTALLED, "flags", "", START, START)


def _finished(state: State) -> object:
    held = lease(state)
    (work,) = state.work()
    return state.finish_work(held, replace(work, due_at=LATER), [entry("finished")])


def _inventory(state: State) -> object:
    rows = InventoryChange(
        tuple(project(n) for n in range(120)),
        tuple(repository(n) for n in range(120)),
        tuple(entry(project(n).id) for n in range(120)),
    )
    state.apply_inventory(lease(state), rows)
    return len(list(state.projects(ORGANIZATION))), len(list(state.repositories(ORGANIZATION)))


def _assessments(state: State) -> object:
    held = lease(state, WorkKind.POSTURE)
    rows = tuple(judged(ResourceKind.REPOSITORY, f"r{n}", "a") for n in range(3))
    change = AssessmentChange(rows, (), (entry("judged"),), findings_of(rows))
    state.apply_assessments(held, ProjectId("a"), change, START)
    gone = AssessmentChange((), (("repository", "r0"),), (), findings_of(rows[1:]))
    state.apply_assessments(held, ProjectId("a"), gone, LATER)
    (work,) = state.work(kind=WorkKind.POSTURE)
    state.finish_work(held, work)
    return state.project_summaries(ORGANIZATION), state.posture_summaries()


def _deleted(state: State) -> object:
    written = state.put_connector(connector())
    state.put_enrollment(enrollment())
    state.claim(TENANT, ORGANIZATION, CONNECTOR)
    state.delete_connector(written, [entry("deleted")])
    return state.connectors(), state.enrollments(), state.claims()


def _learned(state: State) -> object:
    written = state.put_organization(organization(), [entry("found")])
    return state.put_organization(replace(written, instance_id="i1"), [entry("learned")])


STEPS: dict[str, Step] = {
    "connector": lambda state: state.put_connector(connector(), [entry("made")]),
    "connector deleted": _deleted,
    "organization": _learned,
    "enrollment": lambda state: state.put_enrollment(enrollment(), [entry("enrolled")]),
    "claim": lambda state: state.claim(TENANT, ORGANIZATION, CONNECTOR),
    "release": lambda state: (
        state.claim(TENANT, ORGANIZATION, CONNECTOR),
        state.release(TENANT, ORGANIZATION, CONNECTOR),
    ),
    "lease": lambda state: replace(lease(state), owner=""),
    "finished work": _finished,
    "inventory": _inventory,
    "assessments": _assessments,
    "extension": lambda state: state.put_extension(
        lease(state, WorkKind.EXTENSION), EXTENSION, [entry("extension")]
    ),
    "partial": lambda state: state.put_partial(lease(state), b"x" * 1_200_000),
    "throttle": lambda state: state.put_throttle(
        "k", replace(state.put_throttle("k", ThrottleRecord(requests=1)), requests=2)
    ),
    "journal": lambda state: state.append_journal([entry("told")]),
}


def _told(state: State) -> list[tuple[str, str]]:
    return [(one.event.value, one.subject) for one in state.journal(limit=10_000)]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "trouble",
    [lose_the_answer(), lose_the_request(), answer(503, {"Retry-After": "0"}), answer(500)],
    ids=["lost answer", "lost request", "busy", "server error"],
)
def test_trouble_at_any_request_changes_nothing(
    step: str, trouble: Trouble, proxy: Proxy, azurite: Azurite
) -> None:
    calm = open_state(f"tables://127.0.0.1:{azurite.port}/t{uuid.uuid4().hex}")
    expected = STEPS[step](calm)
    told = _told(calm)
    calm.close()
    for begin in range(3):  # so that each request is met in one of the runs
        fresh = open_state(proxy.url(f"t{uuid.uuid4().hex}"))
        proxy.always(trouble, every=3, begin=begin)
        outcome = STEPS[step](fresh)
        proxy.calm()
        assert outcome == expected
        assert _told(fresh) == told
        fresh.close()


def _after(number: int, trouble: Trouble) -> Trouble:
    """The trouble, at the request of this number."""
    left = [number]

    def later(method: str, path: str, body: bytes, forward: Callable[[], object]) -> object:
        left[0] -= 1
        return trouble(method, path, body, forward) if left[0] <= 0 else None  # type: ignore[arg-type]

    return later  # type: ignore[return-value]


def test_an_outage_is_told_and_passes(proxy: Proxy, state: State) -> None:
    state.put_connector(connector())
    with proxy.outage(), pytest.raises(StateUnavailable, match="storage emulator") as caught:
        state.put_connector(connector("c2"))
    assert "Eby8" not in str(caught.value)
    assert [one.id for one in state.connectors()] == [CONNECTOR]
    state.put_connector(connector("c2"))


# --- half of a large change -----------------------------------------------------------------------------


def test_half_of_a_large_change_is_whole_rows_with_their_journal(proxy: Proxy, state: State) -> None:
    held = lease(state)
    rows = tuple(project(n) for n in range(250))
    change = InventoryChange(rows, (), tuple(entry(one.id) for one in rows))
    proxy.trouble(_after(3, answer(403, of="$batch")))
    with pytest.raises(StateUnavailable):
        state.apply_inventory(held, change)
    proxy.calm()

    written = list(state.projects(ORGANIZATION))
    assert 0 < len(written) < 250
    assert sorted(subjects(state)) == [one.id for one in written]

    rest = rows[len(written) :]
    state.apply_inventory(held, InventoryChange(rest, (), tuple(entry(one.id) for one in rest)))
    assert list(state.projects(ORGANIZATION)) == list(rows)
    assert sorted(subjects(state)) == [one.id for one in rows]


def test_news_that_could_not_be_moved_are_told_by_whoever_comes_next(
    proxy: Proxy, state: State, other: State
) -> None:
    proxy.trouble(answer(403, of="journal"), times=50)
    state.put_organization(organization(), [entry("found")])
    held = lease(state)
    state.apply_inventory(held, InventoryChange((project(1),), journal=(entry("row"),)))
    assert subjects(other) == []

    proxy.calm()
    late = open_state(proxy.url(_table_of(other)))
    assert subjects(late) == ["found"]
    late.lease_work(ORGANIZATION, INVENTORY, 1, owner="next", now=LATER, until=LATER)
    assert subjects(late) == ["found", "row"]
    # The one that wrote them is still there, and moves them once more: they are told once.
    state.put_organization(organization("o2", "other"), [entry("second")])
    assert subjects(other) == ["found", "row", "second"]
    late.close()


def _table_of(state: State) -> str:
    return str(getattr(state, "where", "")).split()[1]


def test_a_connector_that_was_half_deleted_is_deleted_by_whoever_looks(
    proxy: Proxy, state: State, other: State
) -> None:
    written = state.put_connector(connector())
    for number in range(120):
        state.claim(TENANT, OrganizationId(f"o{number}"), CONNECTOR)
    kept = ConnectorId("c2")
    state.claim(TENANT, ORGANIZATION, kept)
    # The connector itself goes; what it leaves behind cannot be reached any more.
    proxy.trouble(_after(3, answer(403)), times=20)
    with pytest.raises(StateUnavailable):
        state.delete_connector(written, [entry("deleted")])
    proxy.calm()
    assert len(other.claims()) > 1

    assert other.connectors() == ()
    assert other.claims() == {ORGANIZATION: kept}


# --- conflicts --------------------------------------------------------------------------------------------


def test_a_record_that_changed_right_before_the_write_is_a_conflict(
    proxy: Proxy, state: State, other: State
) -> None:
    before = state.put_connector(connector())
    proxy.trouble(first(lambda: other.put_connector(replace(before, name="theirs"))))
    with pytest.raises(StateConflict):
        state.put_connector(replace(before, name="ours"), [entry("told")])
    assert [one.name for one in other.connectors()] == ["theirs"]
    assert subjects(other) == []


def test_a_claim_that_is_made_right_before_ours_holds(proxy: Proxy, state: State, other: State) -> None:
    rival = ConnectorId("c2")
    proxy.trouble(first(lambda: other.claim(TENANT, ORGANIZATION, rival)))
    assert state.claim(TENANT, ORGANIZATION, CONNECTOR) == rival


def test_work_that_was_queued_meanwhile_is_brought_forward_all_the_same(
    proxy: Proxy, state: State, other: State
) -> None:
    work = state.ensure_work(ORGANIZATION, INVENTORY, LATER)
    proxy.trouble(first(lambda: other.mark_queued(work, START)))
    brought = state.bring_forward(ORGANIZATION, INVENTORY, START)
    assert (brought.due_at, brought.queued_at) == (START, START)


def test_an_organization_that_another_recorded_right_before_is_not_recorded_twice(
    proxy: Proxy, state: State, other: State
) -> None:
    proxy.trouble(first(lambda: other.put_organization(organization("o2", instance_id="i1"))))
    with pytest.raises(StateConflict, match="another record"):
        state.put_organization(organization(instance_id="i1"))
    assert [one.id for one in other.organizations()] == ["o2"]


@pytest.mark.parametrize("write", ["inventory", "assessments", "extension", "partial"])
def test_a_worker_that_is_overtaken_in_the_moment_of_its_write_is_refused(
    write: str, proxy: Proxy, state: State, other: State
) -> None:
    kinds = {"assessments": WorkKind.POSTURE, "extension": WorkKind.EXTENSION}
    kind = kinds.get(write, INVENTORY)
    held = lease(state, kind)

    def overtake() -> None:
        taken = other.lease_work(ORGANIZATION, kind, 1, owner="fast", now=LATER, until=LATER)
        assert taken is not None

    writes: dict[str, Callable[[Lease], None]] = {
        "inventory": lambda one: state.apply_inventory(
            one, InventoryChange((project(1),), journal=(entry("late"),))
        ),
        "assessments": lambda one: state.apply_assessments(
            one, None, AssessmentChange((judged(ResourceKind.PROJECT, "p", "p"),)), START
        ),
        "extension": lambda one: state.put_extension(one, EXTENSION, [entry("late")]),
        "partial": lambda one: state.put_partial(one, b"late"),
    }
    proxy.trouble(first(overtake))
    with pytest.raises(LeaseLost):
        writes[write](held)
    assert proxy.is_over
    assert list(other.projects(ORGANIZATION)) == []
    assert list(other.assessments(ORGANIZATION)) == []
    assert other.extension(ORGANIZATION) is None
    assert other.partial(ORGANIZATION, INVENTORY) == b""
    assert subjects(other) == []


# --- sizes and names --------------------------------------------------------------------------------------


def test_a_listing_goes_on_behind_the_first_thousand_rows(state: State) -> None:
    rows = tuple(project(n) for n in range(2_300))
    state.apply_inventory(lease(state), InventoryChange(rows))
    assert list(state.projects(ORGANIZATION)) == list(rows)


def test_a_document_beyond_one_property_is_kept_whole(state: State) -> None:
    long = "".join(chr(0x4E00 + n % 20_000) for n in range(150_000))
    told = replace(entry("long", JournalEvent.WORK_FAILED), reason=long)
    state.append_journal([told])
    (read,) = state.journal()
    assert read.reason == long


def test_a_document_beyond_an_entity_is_refused_with_its_size() -> None:
    noise = b"".join(uuid.uuid4().bytes for _ in range(70_000))
    with pytest.raises(DocumentTooLarge, match="of at most 900,000"):
        pack(noise)


@given(st.text(st.characters()), st.text(st.characters()))
def test_a_key_is_one_to_one_and_of_allowed_characters(one: str, two: str) -> None:
    allowed = set(string.ascii_letters + string.digits + "._@-~")
    assert set(part(one)) <= allowed
    assert len(part(one * 50)) <= 170
    assert (part(one) == part(two)) == (one == two)
    assert (part(one * 50) == part(two * 50)) == (one * 50 == two * 50)


@given(st.text(st.characters()))
def test_a_document_is_read_back(text: str) -> None:
    cell = text.encode(errors="surrogatepass") if _has_surrogates(text) else text
    read = unpack(pack(cell))
    whole = read if isinstance(read, bytes) else read.encode()
    assert whole == text.encode(errors="surrogatepass")


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= one <= "\udfff" for one in text)


def test_names_that_keys_forbid_are_kept(state: State) -> None:
    name = "a/b\\c#d?e\u0085\U0001f600'%20 and \ud800"
    odd = Project(ProjectId(name), name, "wellFormed", "private", START)
    state.apply_inventory(lease(state), InventoryChange((odd,)))
    assert list(state.projects(ORGANIZATION)) == [odd]


# --- places -----------------------------------------------------------------------------------------------


def test_a_newer_table_is_not_touched(azurite: Azurite, table: str) -> None:
    url = f"tables://127.0.0.1:{azurite.port}/{table}"
    opened = open_state(url)
    opened._table.put("catalog", "version", {"version": 99})  # type: ignore[attr-defined]
    opened.close()
    with pytest.raises(StateUrlError, match="newer version"):
        open_state(url)


def test_a_wrong_key_is_told_without_it(azurite: Azurite, table: str) -> None:
    key = "d3JvbmcgYW5kIG5vdCB0byBiZSBwcmludGVk"
    url = (
        f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={key};"
        f"TableEndpoint=http://127.0.0.1:{azurite.port}/devstoreaccount1;TableName={table}"
    )
    with pytest.raises(StateUrlError, match=r"refuses the key .*Copy the connection string anew") as caught:
        open_state(url)
    assert key not in str(caught.value)
    assert key not in repr(account_of(url, "STATE_URL"))


def test_a_key_that_is_none_is_told_as_a_key() -> None:
    with pytest.raises(StateUnavailable, match="refuses the key") as caught:
        open_state("DefaultEndpointsProtocol=https;AccountName=x;AccountKey=hunter2")
    assert "hunter2" not in str(caught.value)


def test_a_table_that_does_not_answer_is_unavailable(table: str) -> None:
    with pytest.raises(StateUnavailable, match="does not answer"):
        open_state(f"tables://127.0.0.1:9/{table}")


@pytest.mark.parametrize(
    ("url", "endpoint", "table_name", "client"),
    [
        ("tables://contoso", "https://contoso.table.core.windows.net", "adoconnector", ""),
        ("tables://contoso/mine", "https://contoso.table.core.windows.net", "mine", ""),
        ("tables://contoso?client_id=abc", "https://contoso.table.core.windows.net", "adoconnector", "abc"),
        ("tables://x.table.core.windows.net/mine", "https://x.table.core.windows.net", "mine", ""),
        ("https://x.table.core.windows.net", "https://x.table.core.windows.net", "adoconnector", ""),
        (
            "https://x.table.core.windows.net/?client_id=a",
            "https://x.table.core.windows.net",
            "adoconnector",
            "a",
        ),
        ("https://127.0.0.1:2/name/mine?client_id=a", "https://127.0.0.1:2/name", "mine", "a"),
        ("http://127.0.0.1:2/devstoreaccount1", "http://127.0.0.1:2/devstoreaccount1", "adoconnector", ""),
        ("tables://127.0.0.1:10002", "http://127.0.0.1:10002/devstoreaccount1", "adoconnector", ""),
        (
            "tables://localhost:1/devstoreaccount1/mine",
            "http://localhost:1/devstoreaccount1",
            "mine",
            "",
        ),
        (
            "UseDevelopmentStorage=true;;TableName=mine;",
            "http://127.0.0.1:10002/devstoreaccount1",
            "mine",
            "",
        ),
        ("UseDevelopmentStorage=true;TableName=mine", "http://127.0.0.1:10002/devstoreaccount1", "mine", ""),
    ],
)
def test_a_url_names_account_table_and_identity(
    url: str, endpoint: str, table_name: str, client: str
) -> None:
    account = account_of(url, "STATE_URL")
    assert (account.endpoint, account.table, account.client_id) == (endpoint, table_name, client)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("tables://", "names no storage account"),
        ("tables://contoso/a/b", "more behind the account"),
        ("tables://contoso/1x", "table's name"),
        ("tables://Contoso_1", "storage account's name"),
        ("tables://contoso?key=secret", "knows no 'key'"),
        ("tables://user:secret@contoso", "names no storage account"),
        ("tables://contoso:abc", "not a URL"),
        ("http://x.table.core.windows.net", "must be https"),
        ("https://x.blob.core.windows.net", "another service of the storage account"),
        ("https://x.table.core.windows.net/a/b", "more behind the account"),
        ("AccountName=x;secret", "whole connection string"),
        ("DefaultEndpointsProtocol=https;AccountName=x", "no AccountKey"),
        ("DefaultEndpointsProtocol=https;AccountName=x;AccountKey=secret;TableName=a-b", "table's name"),
    ],
)
def test_a_wrong_url_is_told_without_its_secrets(url: str, said: str) -> None:
    with pytest.raises(StateUrlError, match="STATE_URL") as caught:
        account_of(url, "STATE_URL")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_page_looks_at_few_rows_and_says_that_there_is_more(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_LOOKED_MOST", 3)
    state.put_organization(organization())
    rows = tuple(repository(number, of=1 if number in {1, 9} else 2) for number in range(1, 11))
    state.apply_inventory(lease(state), InventoryChange((project(1), project(2)), rows))
    found, sizes, after = [], [], ""
    while True:
        page = state.project_repositories(ORGANIZATION, project(1).id, after=after)
        found += [one.id for one in page.rows]
        sizes.append(len(page.rows))
        if not page.next:
            break
        after = page.next
    assert found == [rows[0].id, rows[8].id]
    assert sizes == [1, 0, 1, 0]
