"""Provenance: what is attested, for which digests, and what is no provenance."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.tracing.provenance import STATEMENT_MOST, NotProvenance, read_provenance

COMMIT = "4aed57b05fb1840a916ed7aca0d2b81784b916be"
HEX = "a" * 64
SOURCE = "https://dev.azure.com/contoso/Shop/_git/web"
RUN = "https://dev.azure.com/contoso/Shop/_build/results?buildId=638"
SUBJECT = [{"name": "web", "digest": {"sha256": HEX}}]

V02: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v0.1",
    "predicateType": "https://slsa.dev/provenance/v0.2",
    "subject": SUBJECT,
    "predicate": {
        "builder": {"id": RUN},
        "buildType": "https://mobyproject.org/buildkit@v1",
        "invocation": {"configSource": {"entryPoint": "Dockerfile"}},
        "materials": [
            {"uri": "pkg:docker/node@20", "digest": {"sha256": "c" * 64}},
            {"uri": f"git+{SOURCE}#refs/heads/main", "digest": {"sha1": COMMIT}},
        ],
        "metadata": {"buildInvocationID": RUN},
    },
}
V1: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v1",
    "predicateType": "https://slsa.dev/provenance/v1",
    "subject": SUBJECT,
    "predicate": {
        "buildDefinition": {
            "buildType": "https://example.com/azure-pipelines/v1",
            "externalParameters": {"source": f"git+{SOURCE}@refs/heads/main"},
            "resolvedDependencies": [{"uri": f"git+{SOURCE}", "digest": {"gitCommit": COMMIT}}],
        },
        "runDetails": {"builder": {"id": "https://dev.azure.com/contoso"}, "metadata": {"invocationId": RUN}},
    },
}


def envelope(statement: object) -> bytes:
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    kind = "application/vnd.in-toto+json"
    return json.dumps({"payloadType": kind, "payload": payload, "signatures": [{"sig": "x"}]}).encode()


@pytest.mark.parametrize("statement", [V02, V1])
@pytest.mark.parametrize("wrapped", [False, True])
def test_statements(statement: dict[str, Any], *, wrapped: bool) -> None:
    told = read_provenance(envelope(statement) if wrapped else json.dumps(statement).encode())
    assert told.subjects == {f"sha256:{HEX}"}
    assert told.signed is wrapped
    claim = told.claim
    assert (claim.organization, claim.project, claim.repository) == ("contoso", "Shop", "web")
    assert (claim.commit, claim.run) == (COMMIT, 638)
    assert claim.repository_url == SOURCE


def test_what_buildkit_notes_of_the_working_folder() -> None:
    statement = json.loads(json.dumps(V02))
    del statement["predicate"]["materials"]
    statement["predicate"]["metadata"] = {
        "https://mobyproject.org/buildkit@v1#metadata": {"vcs": {"source": SOURCE, "revision": COMMIT}}
    }
    claim = read_provenance(json.dumps(statement).encode()).claim
    assert (claim.repository, claim.commit) == ("web", COMMIT)


def test_credentials_are_not_kept() -> None:
    text = json.dumps(V02).replace(
        "https://dev.azure.com/contoso/Shop/_git", "https://x:pa55@dev.azure.com/contoso/Shop/_git"
    )
    told = read_provenance(text.encode())
    assert "pa55" not in repr(told)
    assert told.claim.repository == "web"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b"x" * (STATEMENT_MOST + 1),
        json.dumps(V1 | {"_type": "other"}).encode(),
        json.dumps(V1 | {"predicateType": "https://spdx.dev/Document"}).encode(),
        json.dumps(V1 | {"subject": []}).encode(),
        json.dumps(V1 | {"subject": [{"digest": {"sha256": "short"}}]}).encode(),
        json.dumps(V1 | {"subject": [{"digest": {"sha512": "a" * 128}}]}).encode(),
        json.dumps({"payloadType": "text/plain", "payload": "eA=="}).encode(),
        json.dumps({"payloadType": "application/vnd.in-toto+json", "payload": "!"}).encode(),
        json.dumps({"payloadType": "application/vnd.in-toto+json", "payload": 7}).encode(),
        envelope({"payloadType": "application/vnd.in-toto+json", "payload": "e30="}),
    ],
)
def test_what_is_no_provenance(body: bytes) -> None:
    with pytest.raises(NotProvenance):
        read_provenance(body)


_KEYS = ["predicate", "digest", "uri", "metadata", "builder", "id", "invocation", "materials", "configSource"]
_KEYS += ["sha1", "vcs", "environment", "buildDefinition", "runDetails", "externalParameters", "invocationId"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(_JSON, st.sampled_from([V02, V1]))
def test_no_predicate_breaks_it(predicate: object, around: dict[str, Any]) -> None:
    told = read_provenance(json.dumps(around | {"predicate": predicate}).encode())
    assert told.claim.run >= 0
