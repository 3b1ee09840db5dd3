"""A container registry over the distribution API, with what people attach to images."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.ado_simulator.wire import Answer, Request

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
IN_TOTO = "application/vnd.in-toto+json"
EMPTY = "application/vnd.oci.empty.v1+json"
PROVENANCE_V1 = "https://slsa.dev/provenance/v1"

_JSON = "application/json"
_ROUTE = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|referrers)/(?P<reference>[^/]+)")
_TAGS = re.compile(r"/v2/(?P<name>.+)/tags/list")


@dataclass(slots=True)
class _Repository:
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class SimulatedRegistry:
    """One registry. `sign_in` is `azure` (Entra tokens are exchanged), `bearer` or `anonymous`.

    With `blobs_at` blobs are served from that host, where nobody may send a token.
    """

    def __init__(
        self, host: str, *, sign_in: str = "azure", blobs_at: str = "", page_size: int = 100
    ) -> None:
        """An empty registry. `realm` and `entra_token` can be changed to see what clients make of it."""
        self.host = host
        self.sign_in = sign_in
        self.blobs_at = blobs_at
        self.page_size = page_size
        self.realm = f"https://{host}/oauth2/token"
        self.entra_token = "simulated-entra-token"  # noqa: S105 - nothing is protected by it
        self.serves_referrers = True
        self.credentials_seen: list[str] = []
        """Authorization headers that came to the host of the blobs."""
        self._repositories: dict[str, _Repository] = {}
        self._blobs: dict[str, bytes] = {}

    # --- filling ------------------------------------------------------------------------------------------

    def push(
        self,
        repository: str,
        *tags: str,
        labels: dict[str, str] | None = None,
        platform: str = "linux/amd64",
        content: str = "",
        annotations: dict[str, str] | None = None,
    ) -> str:
        """Push an image of one platform; what differs in `content` has another digest."""
        system, _, architecture = platform.partition("/")
        config = {
            "os": system,
            "architecture": architecture,
            "config": {"Labels": labels or {}, "Cmd": [content]},
        }
        layer = self._blob(f"layer of {repository} {content}".encode(), LAYER)
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(_encoded(config), CONFIG),
            "layers": [layer],
        }
        if annotations:
            document["annotations"] = annotations
        return self._put(repository, MANIFEST, document, *tags)

    def push_index(
        self, repository: str, *tags: str, parts: dict[str, str], statements: dict[str, Any] | None = None
    ) -> str:
        """Push an index of `parts` (digests by platform), with `statements` by the digest they are of."""
        manifests: list[dict[str, Any]] = []
        for platform, digest in parts.items():
            system, _, architecture = platform.partition("/")
            body = self._repositories[repository].manifests[digest][1]
            manifests.append(
                {
                    "mediaType": MANIFEST, "digest": digest, "size": len(body),
                    "platform": {"os": system, "architecture": architecture},
                }
            )  # fmt: skip
        for digest, statement in (statements or {}).items():
            attached, size = self._statement(repository, statement)
            manifests.append(
                {
                    "mediaType": MANIFEST, "digest": attached, "size": size,
                    "platform": {"os": "unknown", "architecture": "unknown"},
                    "annotations": {
                        "vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": digest,
                    },
                }
            )  # fmt: skip
        return self._put(
            repository, INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}, *tags
        )

    def attach(self, repository: str, digest: str, statement: Any, *, media_type: str = IN_TOTO) -> str:  # noqa: ANN401 - JSON
        """Attach a document to an image, as an OCI referrer."""
        subject = {"mediaType": MANIFEST, "digest": digest, "size": 1}
        attached, _ = self._statement(repository, statement, subject=subject, media_type=media_type)
        return attached

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Let a tag lead to a digest, wherever it led before."""
        self._repositories[repository].tags[tag] = digest

    def _statement(
        self,
        repository: str,
        statement: Any,  # noqa: ANN401 - JSON
        *,
        subject: dict[str, Any] | None = None,
        media_type: str = IN_TOTO,
    ) -> tuple[str, int]:
        body = statement if isinstance(statement, bytes) else _encoded(statement)
        predicate = statement.get("predicateType", "") if isinstance(statement, dict) else ""
        layer = self._blob(body, media_type)
        if predicate:
            layer["annotations"] = {"in-toto.io/predicate-type": predicate}
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": media_type,
            "config": self._blob(b"{}", EMPTY),
            "layers": [layer],
        }
        if subject is not None:
            document["subject"] = subject
        return self._put(repository, MANIFEST, document), len(_encoded(document))

    def _put(self, repository: str, media_type: str, document: dict[str, Any], *tags: str) -> str:
        body = _encoded(document)
        digest = _digest(body)
        place = self._repositories.setdefault(repository, _Repository())
        place.manifests[digest] = media_type, body
        place.tags.update(dict.fromkeys(tags, digest))
        return digest

    def _blob(self, body: bytes, media_type: str) -> dict[str, Any]:
        self._blobs[_digest(body)] = body
        return {"mediaType": media_type, "digest": _digest(body), "size": len(body)}

    # --- answering ----------------------------------------------------------------------------------------

    def answer(self, request: Request, host: str, path: str, query: dict[str, str]) -> Answer:
        """Answer one request to the registry, or to the host of its blobs."""
        path = unquote(path)
        if host == self.blobs_at:
            self.credentials_seen.append(request.headers.get("authorization", ""))
            body = self._blobs.get(path.removeprefix("/"))
            return (
                _refused(404, "BLOB_UNKNOWN")
                if body is None
                else Answer(200, body, "application/octet-stream")
            )
        if path in {"/oauth2/exchange", "/oauth2/token"}:
            return self._token(request, path, query)
        scope = self._scope(path)
        if (
            self.sign_in != "anonymous"
            and request.headers.get("authorization") != f"Bearer {_token_for(scope)}"
        ):
            answer = _refused(401, "UNAUTHORIZED")
            answer.headers["WWW-Authenticate"] = (
                f'Bearer realm="{self.realm}",service="{self.host}",scope="{scope}"'
            )
            return answer
        return self._read(request, path, query)

    def _read(self, request: Request, path: str, query: dict[str, str]) -> Answer:
        if path == "/v2/_catalog":
            return self._page(sorted(self._repositories), "repositories", path, query)
        return self._read_repository(request, path, query)

    def _read_repository(self, request: Request, path: str, query: dict[str, str]) -> Answer:
        tags = _TAGS.fullmatch(path)
        if tags is not None:
            place = self._repositories.get(tags["name"])
            if place is None:
                return _refused(404, "NAME_UNKNOWN")
            return self._page(sorted(place.tags), "tags", path, query, name=tags["name"])
        match = _ROUTE.fullmatch(path)
        if match is None:
            return _refused(404, "NOT_FOUND")
        place = self._repositories.get(match["name"])
        if place is None:
            return _refused(404, "NAME_UNKNOWN")
        if match["kind"] == "blobs":
            return self._serve_blob(match["reference"])
        if match["kind"] == "referrers":
            return self._referrers(place, match["reference"])
        return self._manifest(request, place, match["reference"])

    def _manifest(self, request: Request, place: _Repository, reference: str) -> Answer:
        subject = reference.replace("sha256-", "sha256:")
        if subject != reference and not self.serves_referrers:
            return _listed_referrers(place, subject)
        digest = place.tags.get(reference, reference)
        found = place.manifests.get(digest)
        if found is None:
            return _refused(404, "MANIFEST_UNKNOWN")
        body = b"" if request.method == "HEAD" else found[1]
        return Answer(200, body, found[0], {"Docker-Content-Digest": digest})

    def _serve_blob(self, digest: str) -> Answer:
        if self.blobs_at:
            return Answer(307, b"", None, {"Location": f"https://{self.blobs_at}/{digest}"})
        body = self._blobs.get(digest)
        return (
            _refused(404, "BLOB_UNKNOWN") if body is None else Answer(200, body, "application/octet-stream")
        )

    def _referrers(self, place: _Repository, digest: str) -> Answer:
        if not self.serves_referrers:
            return _refused(404, "NOT_FOUND")
        return _listed_referrers(place, digest)

    def _page(self, items: list[str], key: str, path: str, query: dict[str, str], **more: str) -> Answer:
        size = min(int(query.get("n", self.page_size)), self.page_size)
        last = query.get("last", "")
        rest = [item for item in items if item > last]
        answer = Answer(200, _encoded({**more, key: rest[:size]}), _JSON)
        if len(rest) > size:
            answer.headers["Link"] = f'<{path}?last={rest[size - 1]}&n={size}>; rel="next"'
        return answer

    def _token(self, request: Request, path: str, query: dict[str, str]) -> Answer:
        form = dict(parse_qsl(request.body.decode()))
        if path == "/oauth2/exchange":
            if form.get("access_token") != self.entra_token or form.get("service") != self.host:
                return _refused(401, "UNAUTHORIZED")
            return Answer(200, _encoded({"refresh_token": f"refresh-{self.host}"}), _JSON)
        if self.sign_in == "azure" and form.get("refresh_token") != f"refresh-{self.host}":
            return _refused(401, "UNAUTHORIZED")
        scope = form.get("scope") or query.get("scope", "")
        return Answer(200, _encoded({"access_token": _token_for(scope), "expires_in": 4500}), _JSON)

    def _scope(self, path: str) -> str:
        if path == "/v2/_catalog":
            return "registry:catalog:*"
        match = _TAGS.fullmatch(path) or _ROUTE.fullmatch(path)
        return f"repository:{match['name']}:pull" if match is not None else ""


def _listed_referrers(place: _Repository, digest: str) -> Answer:
    """What refers to a digest: the API's answer, and what clients keep under a tag where there is none."""
    found: list[dict[str, Any]] = []
    for one, (media_type, body) in place.manifests.items():
        document = json.loads(body)
        if document.get("subject", {}).get("digest") == digest:
            artifact = document["artifactType"]
            found.append(
                {"mediaType": media_type, "digest": one, "size": len(body), "artifactType": artifact}
            )
    return Answer(200, _encoded({"schemaVersion": 2, "mediaType": INDEX, "manifests": found}), INDEX)


def _token_for(scope: str) -> str:
    return f"simulated-{hashlib.sha256(scope.encode()).hexdigest()[:20]}"


def _encoded(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _refused(status: int, code: str) -> Answer:
    return Answer(status, _encoded({"errors": [{"code": code, "message": code.lower()}]}), _JSON)
