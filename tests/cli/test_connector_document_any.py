"""Any connector: its document is the same bytes again, says the same to every reader, and fits the schema."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import yaml
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cli.connector_changes import changes
from cli.connector_document import (
    applied,
    as_written,
    checked,
    connector_of,
    document_of,
    dump,
    load,
    problems_in,
)
from cli.connector_fields import KINDS, LISTING_KINDS, LONGEST_SHOWN, TENANT_KINDS, like_a_secret
from cli.connector_problems import InvalidDocument, Problem
from cli.connector_schema import schema
from shared.model.ids import ConnectorId
from shared.model.prerequisite import PrerequisiteName
from tests.cli.malformed_documents import GOOD
from tests.cli.test_malformed_documents import CoreLoader

SCHEMA = Draft202012Validator(schema())
FIELDS = tuple(schema()["properties"])
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
WORDS = st.text("abcxyzABCXYZ0159_-.", min_size=1, max_size=20)
TRAPS = st.sampled_from(
    ["no", "yes", "on", "null", "true", "1e3", "0o17", "017", "0x1F", "12_3", "1.5", "1-1-1"]
)
"""Names that some reader of YAML takes for something else where they have no quotes."""
NAMES = (WORDS | TRAPS).filter(lambda one: one[0] not in ".-" and one[-1] not in ".-")
PATTERNS = NAMES | st.from_regex(r"\A[a-z*?]{1,6}(\[!?[a-z0-9-]{1,3}\])?\Z")
BOOLEANS: st.SearchStrategy[Any] = st.booleans()
GUIDS = st.uuids().map(str)
ACCOUNTS = st.from_regex(r"\A[a-z0-9!#%&'*+=?^_{|}~.-]{1,20}@([a-z0-9]{1,9}\.){1,2}[a-z]{2,5}\Z")
TENANTS = GUIDS | st.from_regex(r"\A([a-z0-9]{1,9}\.){1,2}[a-z]{3,5}\Z")
GROUPS = st.text("abcÅßñДя東京()_-.0189", min_size=1, max_size=30).filter(lambda one: one[-1] != ".")


@st.composite
def identities(draw: st.DrawFn, kinds: tuple[str, ...]) -> dict[str, Any]:
    kind = draw(st.sampled_from(kinds))
    identity: dict[str, Any] = {"kind": kind}
    if kind == "service-principal" or (kind in {"user", "managed-identity"} and draw(BOOLEANS)):
        identity["clientId"] = draw(GUIDS)
    if kind == "user" and draw(BOOLEANS):
        identity["account"] = draw(ACCOUNTS)
    if kind in {"pat", "service-principal"} and draw(BOOLEANS):
        identity["secretSetting"] = draw(st.from_regex(r"\A[A-Z][A-Z0-9_]{0,20}\Z"))
    return identity


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """The fields of any valid document."""
    identity = draw(identities(KINDS))
    fields: dict[str, Any] = {
        "apiVersion": "ado-connector/v1",
        "kind": "Connector",
        "name": draw(WORDS | TRAPS),
        "identity": identity,
    }
    modes = ["existing", "existing-and-future", "selected"]
    if draw(BOOLEANS):
        fields["discoverAs"] = draw(identities(LISTING_KINDS))
    elif identity["kind"] not in LISTING_KINDS:
        modes.remove("existing-and-future")
    fields["mode"] = mode = draw(st.sampled_from(modes))
    must_name = mode == "selected" or "existing-and-future" not in modes
    organizations = draw(st.lists(NAMES, unique_by=str.casefold, min_size=int(must_name), max_size=4))
    exclude = [
        one
        for one in draw(st.lists(PATTERNS, unique_by=str.casefold, max_size=4))
        if not any(fnmatchcase(name.casefold(), one.casefold()) for name in organizations)
    ]
    kinds = {identity["kind"], fields.get("discoverAs", {}).get("kind")}
    if kinds & set(TENANT_KINDS) or draw(BOOLEANS):
        fields["tenant"] = draw(TENANTS)
    optional: dict[str, st.SearchStrategy[Any]] = {
        "cloud": st.just("AzureCloud"),
        "subscription": GUIDS,
        "resourceGroup": GROUPS,
        "region": st.sampled_from(["westeurope", "eastus2", "uksouth"]),
        "plan": st.sampled_from(["foundational", "defender-cspm"]),
        "installExtension": st.booleans(),
        "postureRefreshInterval": st.sampled_from(["5m", "90m", "24h", "720h", "1d", "30d"]),
        "postureFullRefreshInterval": st.sampled_from(["60m", "9999m", "10d"]),
        "requiredPrerequisites": st.lists(
            st.sampled_from([one.value for one in PrerequisiteName]), unique=True
        ),
        "readBuildLogs": st.booleans(),
        "pushSteps": st.lists(NAMES, unique_by=str.casefold, max_size=3),
        "registries": st.lists(st.sampled_from(["a.azurecr.io", "ghcr.io", "b.io:5000"]), unique=True),
        "tracedSubscriptions": st.lists(GUIDS, unique=True, max_size=3),
        "extension": st.fixed_dictionaries({"publisher": NAMES, "name": NAMES}).filter(
            lambda one: all(name[0] != "_" for name in one.values())
        ),
    }
    for key, values in optional.items():
        if draw(BOOLEANS):
            fields[key] = draw(values)
    if organizations or draw(BOOLEANS):
        fields["organizations"] = organizations
    if exclude or draw(BOOLEANS):
        fields["exclude"] = exclude
    return fields


@settings(deadline=None)
@given(documents())
def test_any_connector_is_exported_and_applied_to_the_same_bytes(written: dict[str, Any]) -> None:
    document = checked(written)
    found = connector_of(document, ConnectorId("one"), NOW)
    exported = dump(document_of(found))
    assert load(exported) == load(exported.encode()) == document_of(found) == document
    assert connector_of(load(exported), found.id, NOW) == found
    assert applied(load(exported), found) == found
    assert changes(document, load(exported)) == ()
    assert dump(load(exported)) == exported


@settings(deadline=None)
@given(documents())
def test_any_export_fits_the_schema_and_says_the_same_to_every_reader(written: dict[str, Any]) -> None:
    assert SCHEMA.is_valid(written)
    document = checked(written)
    exported = dump(document)
    for loader in (yaml.SafeLoader, CoreLoader):
        read = yaml.load(exported, loader)  # noqa: S506 - both are safe
        assert read == as_written(document)
        assert SCHEMA.is_valid(read)


@settings(deadline=None)
@given(documents(), documents())
def test_only_equal_documents_have_no_changes(one: dict[str, Any], other: dict[str, Any]) -> None:
    before, after = checked(one), checked(other)
    told = changes(before, after)
    assert (not told) == (before == after)
    for change in told:
        assert change.before != change.after
        assert change.meaning.endswith(".")
        assert change.field.partition(".")[0] in FIELDS
    assert len(set(told)) == len(told)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | WORDS
    | TRAPS
    | PATTERNS
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(
        ["", "pat", "user", "selected", "existing", "default", "usgovvirginia", "a\n", "A", "a"]
    )
    | st.sampled_from(KINDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "clientId", "publisher", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    """A document with fields of another one, which may not go together, or with fields of any kind."""
    changed, other = draw(documents()), draw(documents())
    for key in draw(st.lists(st.sampled_from(FIELDS), max_size=5, unique=True)):
        changed.pop(key, None)
        changed.update({name: value for name, value in other.items() if name == key})
    for key in draw(st.lists(st.sampled_from((*FIELDS, "other")), max_size=1)):
        changed[key] = draw(VALUES)
    return changed


@settings(max_examples=400, deadline=None)
@given(objects())
@example({})
def test_we_and_the_schema_agree_on_any_object(changed: dict[str, Any]) -> None:
    problems = problems_in(changed)
    unsaid = [
        one
        for one in problems
        if "is excluded by" in one.problem or "case makes no difference" in one.problem
    ]
    if unsaid and len(unsaid) == len(problems):
        event("what JSON Schema cannot say")
        return
    event("valid" if not problems else "invalid")
    assert SCHEMA.is_valid(changed) == (not problems), problems


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200), st.integers(0, len(GOOD)), st.booleans())
def test_any_text_is_a_document_or_refused_in_words(noise: bytes | str, at: int, within: bool) -> None:
    raw = noise if isinstance(noise, bytes) else noise.encode("utf-8", "surrogatepass")
    told: tuple[Problem, ...] = ()
    try:
        load(GOOD[:at].encode() + raw + GOOD[at:].encode() if within else raw, "c.yaml")
    except InvalidDocument as invalid:
        told = invalid.problems
        event("refused")
    for one in told:
        assert one.field
        assert one.problem
        assert one.fix
        assert str(one).isprintable()


@settings(deadline=None)
@given(
    st.text(min_size=LONGEST_SHOWN + 1)
    | st.text("abcdefgh01234567", min_size=40).filter(lambda one: not one.isdigit() and not one.isalpha())
)
def test_what_is_long_or_like_a_secret_is_never_repeated(value: str) -> None:
    fields = ("name", "cloud", "tenant", "region", "plan", "mode", "organizations", "identity", "kind", value)
    for field in fields:
        for wrong in (
            value,
            [value],
            {value: value},
            {"kind": value},
            {"kind": "pat", "secretSetting": value},
        ):
            for one in problems_in({**as_written(load(GOOD)), field: wrong}):
                assert value not in str(one)


@settings(deadline=None)
@given(st.uuids().map(str))
def test_a_guid_is_no_secret(value: str) -> None:
    assert not like_a_secret(value)
