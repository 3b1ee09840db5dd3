"""One container registry, read through the OCI distribution API.

Specifications: distribution-spec v1.1 (`/v2/`, paging by Link, referrers), image-spec v1.1 (manifest, index,
annotations), BuildKit's attestation storage, and the token protocol of the CNCF distribution project.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from shared.ado.authorization import Authorization
from shared.ado.parse import Fields, ShapeError
from shared.cloud.registry_tokens import RegistryTokens
from shared.cloud.web import DOCUMENT_MOST, NOBODY, Answer, Asked, Web, problem_of, unreadable
from shared.model.container import RegistryImage
from shared.model.failure import Gone, ServiceError, Throttled, Transient
from shared.model.observation import Observation

ATTESTATION_MOST: Final = 8 * 1024 * 1024
PAGE: Final = 100
PAGES_MOST: Final = 10_000
PARTS_MOST: Final = 32
"""Platforms of one image that are read; the rest are told as unread."""
ATTACHED_MOST: Final = 16

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = ", ".join((*_INDEXES, *_MANIFESTS))
_STATEMENTS = frozenset(
    {
        "application/vnd.in-toto+json",
        "application/vnd.dsse.envelope.v1+json",
    }
)
_REFERENCE_TYPE = "vnd.docker.reference.type"
_REFERENCE_DIGEST = "vnd.docker.reference.digest"
_ATTESTATION = "attestation-manifest"
_PREDICATE = "in-toto.io/predicate-type"
_PROVENANCE = "https://slsa.dev/provenance/"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NEXT = re.compile(r"\s*<([^<>]{1,4000})>\s*;(?:[^,]{0,200};)?\s*rel=\"?next\"?\s*(?:[;,].{0,4000})?")
_UNAUTHORIZED = 401
_GRANT = (
    "Give the identity the role AcrPull (or Container Registry Repository Reader) and, to list the "
    "repositories, Container Registry Repository Catalog Lister on the registry."
)


class OciRegistry:
    """Reads one registry. Implements `shared.ports.Registry`. Safe across threads."""

    def __init__(self, host: str, web: Web, tokens: RegistryTokens) -> None:
        """`host` is where the API is; `tokens` answers its challenges."""
        self._host = host
        self._web = web
        self._tokens = tokens

    def repositories(self) -> Observation[str]:
        """Every repository that the identity may list, to the last page."""
        return self._listing("/v2/_catalog", "repositories", "registry:catalog:*", "listing its repositories")

    def tags(self, repository: str) -> Observation[str]:
        """Every tag of a repository, to the last page."""
        return self._listing(
            f"/v2/{_path(repository)}/tags/list",
            "tags",
            _pull(repository),
            f"listing the tags of {repository}",
        )

    def digest_of(self, repository: str, tag: str) -> str:
        """The digest that a tag leads to now. Requests: 1, and 1 more where the answer does not name it.

        Raises `ServiceError`; `Gone` where there is no such tag.
        """
        what = f"resolving {repository}:{tag}"
        path = f"/v2/{_path(repository)}/manifests/{quote(tag, safe='')}"
        answer = self._ask("HEAD", path, _pull(repository), what, accept=_ACCEPT)
        told = answer.header("Docker-Content-Digest")
        if _DIGEST.fullmatch(told):
            return told
        return _digest(self._ask("GET", path, _pull(repository), what, accept=_ACCEPT).body)

    def image(self, repository: str, digest: str) -> RegistryImage:
        """The image, its platforms, its labels and what is attached to it.

        Requests: 2 for an image of one platform (manifest, configuration) and 1 for what refers to it; of an
        index 1, and so many for each of its parts; 2 for each attestation.
        """
        manifest = self._manifest(repository, digest)
        return self._read_image(repository, digest, manifest, depth=0)

    # --- reading ------------------------------------------------------------------------------------------

    def _read_image(
        self, repository: str, digest: str, manifest: Fields, *, depth: int, platform: str = ""
    ) -> RegistryImage:
        unread: list[str] = []
        attestations = list(self._referring(repository, digest, unread))
        labels = _texts(manifest, "annotations")
        if not manifest.has("manifests"):
            own_platform, own_labels = self._configuration(repository, manifest, unread)
            return RegistryImage(
                digest,
                own_platform or platform,
                {**labels, **own_labels},
                attestations=tuple(attestations),
                unread=tuple(unread),
            )
        parts: list[RegistryImage] = []
        for one in _descriptors(manifest, "manifests"):
            if len(parts) + len(attestations) >= PARTS_MOST:
                unread.append(f"it has more than {PARTS_MOST} parts")
                break
            try:
                if one.annotations.get(_REFERENCE_TYPE) == _ATTESTATION:
                    attestations += self._statements(repository, one.digest)
                elif depth == 0:
                    part = self._manifest(repository, one.digest)
                    parts.append(
                        self._read_image(repository, one.digest, part, depth=1, platform=one.platform)
                    )
            except (Throttled, Transient):
                raise
            except ServiceError as error:
                unread.append(error.failure.reason)
        return RegistryImage(digest, "", labels, tuple(parts), tuple(attestations), tuple(unread))

    def _manifest(self, repository: str, digest: str) -> Fields:
        what = f"reading the manifest {repository}@{digest}"
        answer = self._ask(
            "GET",
            f"/v2/{_path(repository)}/manifests/{digest}",
            _pull(repository),
            what,
            accept=_ACCEPT,
        )
        if _digest(answer.body) != digest:
            raise unreadable(what, "what came has another digest")
        return _fields(answer, what)

    def _configuration(
        self, repository: str, manifest: Fields, unread: list[str]
    ) -> tuple[str, Mapping[str, str]]:
        what = f"reading the labels of an image in {repository}"
        try:
            described = _descriptor(manifest.nested("config"))
        except ShapeError as error:
            unread.append(f"{what} failed: field {error.path} {error.problem}.")
            return "", {}
        try:
            answer = self._blob(repository, described.digest, what, DOCUMENT_MOST)
            document = _fields(answer, what)
            platform = "/".join(
                part
                for key in ("os", "architecture", "variant")
                if (part := document.text(key, "")) and part.isprintable()
            )
            inner = document.nested("config") if document.has("config") else None
            return platform, _texts(inner, "Labels") if inner is not None else {}
        except ShapeError as error:
            unread.append(f"{what} failed: field {error.path} {error.problem}.")
        except (Throttled, Transient):
            raise
        except ServiceError as error:
            unread.append(error.failure.reason)
        return "", {}

    def _referring(self, repository: str, digest: str, unread: list[str]) -> Iterator[bytes]:
        """Attestations that refer to the digest: by the referrers API or, where there is none, by its tag.

        And by the tag that cosign gives them. A registry that knows neither has none.
        """
        what = f"reading what refers to {repository}@{digest}"
        path = f"/v2/{_path(repository)}/referrers/{digest}"
        named = digest.replace(":", "-")
        fallback = f"/v2/{_path(repository)}/manifests/{named}"
        found: list[_Descriptor] = []
        try:
            try:
                answer = self._ask("GET", path, _pull(repository), what, accept=_INDEXES[0])
            except Gone:
                answer = self._ask("GET", fallback, _pull(repository), what, accept=_INDEXES[0])
            found = list(_descriptors(_fields(answer, what), "manifests"))
        except Gone:
            return
        except (Throttled, Transient):
            raise
        except (ServiceError, ShapeError) as error:
            unread.append(error.failure.reason if isinstance(error, ServiceError) else f"{what}: {error}.")
            return
        wanted = [one for one in found if one.artifact in _STATEMENTS or one.annotations.get(_PREDICATE)]
        for one in wanted[:ATTACHED_MOST]:
            try:
                yield from self._statements(repository, one.digest)
            except (Throttled, Transient):
                raise
            except ServiceError as error:
                unread.append(error.failure.reason)
        if len(wanted) > ATTACHED_MOST:
            unread.append(f"more than {ATTACHED_MOST} attestations refer to it")

    def _statements(self, repository: str, digest: str) -> Iterator[bytes]:
        """The statements in an attestation's manifest that may be about provenance."""
        what = f"reading an attestation in {repository}"
        for layer in list(_descriptors(self._manifest(repository, digest), "layers"))[:ATTACHED_MOST]:
            predicate = layer.annotations.get(_PREDICATE, _PROVENANCE)
            if layer.media_type in _STATEMENTS and predicate.startswith(_PROVENANCE):
                yield self._blob(repository, layer.digest, what, ATTESTATION_MOST).body

    def _blob(self, repository: str, digest: str, what: str, most: int) -> Answer:
        """A blob, whose digest is checked. Registries may send us elsewhere for it, without our token."""
        path = f"/v2/{_path(repository)}/blobs/{digest}"
        answer = self._ask("GET", path, _pull(repository), what, most=most, redirects=True)
        if answer.status in _REDIRECTS:
            target = _joined(self._url(path), answer.header("Location"))
            own = _host_of(target) == self._host
            if not own and not _is_public(target):
                raise unreadable(what, "it sends us to an address that is not followed")
            asked = Asked("GET", target, what, "*/*", most=most)
            answer = self._web.expect(asked)
        if _digest(answer.body) != digest:
            raise unreadable(what, "what came has another digest")
        return answer

    # --- asking -------------------------------------------------------------------------------------------

    def _listing(self, path: str, key: str, scope: str, action: str) -> Observation[str]:
        items: list[str] = []
        seen: set[str] = set()
        following = f"{path}?n={PAGE}"
        try:
            for _ in range(PAGES_MOST):
                seen.add(following)
                answer = self._ask("GET", following, scope, action)
                fields = _fields(answer, self._what(action))
                if fields.has(key):
                    items += [one for one in fields.sequence(key) if isinstance(one, str) and _is_name(one)]
                following = self._next(answer, path, action)
                if not following:
                    return Observation.whole(tuple(dict.fromkeys(items)))
                if following in seen:
                    raise unreadable(self._what(action), "its pages go in circles")
            raise unreadable(self._what(action), "its pages do not end")
        except ShapeError as error:
            problem: ServiceError = unreadable(self._what(action), f"field {error.path} {error.problem}")
        except ServiceError as error:
            problem = error
        return Observation.partial(tuple(dict.fromkeys(items)), problem.failure)

    def _next(self, answer: Answer, path: str, action: str) -> str:
        """Path and query of the next page; it must be one of the same listing of this registry."""
        link = answer.header("Link")
        if not link:
            return ""
        match = _NEXT.fullmatch(link)
        if match is None:
            return ""
        target = _joined(self._url(path), match[1])
        parts = urlsplit(target)
        if parts.scheme != "https" or _host_of(target) != self._host or parts.path != path:
            raise unreadable(self._what(action), "its next page is said to be elsewhere")
        return f"{parts.path}?{parts.query}"

    def _ask(
        self,
        method: str,
        path: str,
        scope: str,
        action: str,
        *,
        accept: str = "application/json",
        most: int = DOCUMENT_MOST,
        redirects: bool = False,
    ) -> Answer:
        what = self._what(action)
        authorization: Authorization = self._tokens.known(scope) or NOBODY
        for is_last in (False, True):
            asked = Asked(method, self._url(path), what, accept, authorization, most=most, grant=_GRANT)
            answer = self._web.send(asked)
            if answer.status == _UNAUTHORIZED and not is_last:
                authorization = self._tokens.answer(answer.header("WWW-Authenticate"), scope, what)
                continue
            if redirects and answer.status in _REDIRECTS:
                return answer
            problem = problem_of(asked, answer, self._web.now())
            if problem is not None:
                raise problem
            return answer
        raise AssertionError(method)  # pragma: no cover - the second turn always ends it

    def _what(self, action: str) -> str:
        return action if action.startswith("Registry ") else f"Registry {self._host}: {action}"

    def _url(self, path: str) -> str:
        return f"https://{self._host}{path}"


@dataclass(frozen=True, slots=True)
class _Descriptor:
    digest: str
    media_type: str
    artifact: str
    platform: str
    annotations: Mapping[str, str]


def _descriptors(fields: Fields, key: str) -> Iterator[_Descriptor]:
    if not fields.has(key):
        return
    for one in fields.objects(key):
        yield _descriptor(one)


def _descriptor(fields: Fields) -> _Descriptor:
    digest = fields.text("digest")
    if _DIGEST.fullmatch(digest) is None:
        raise ShapeError(fields.path("digest"), "is no SHA-256 digest")
    platform = ""
    if fields.has("platform"):
        parts = fields.nested("platform")
        platform = "/".join(
            part for key in ("os", "architecture", "variant") if (part := parts.text(key, "", 64))
        )
    return _Descriptor(
        digest,
        fields.text("mediaType", ""),
        fields.text("artifactType", ""),
        platform if platform.isprintable() else "",
        _texts(fields, "annotations"),
    )


def _texts(fields: Fields, key: str) -> Mapping[str, str]:
    if not fields.has(key):
        return {}
    values = fields.nested(key).values()
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and isinstance(name, str) and len(name) + len(value) < _LABEL_MOST
    }


_LABEL_MOST = 4_096


def _fields(answer: Answer, what: str) -> Fields:
    try:
        return Fields(answer.document(what))
    except ShapeError as error:
        raise unreadable(what, f"field {error.path} {error.problem}") from None


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _pull(repository: str) -> str:
    return f"repository:{repository}:pull"


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,254}")


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and ".." not in text and "//" not in text


def _path(repository: str) -> str:
    if not _is_name(repository):
        raise unreadable("Reading an image", "its repository has no name that can be asked for")
    return quote(repository, safe="/")


def _host_of(url: str) -> str:
    """Host and, if it is not the usual one, port; empty for an address that cannot be read."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    return host if port in {None, 443} else f"{host}:{port}"


def _joined(base: str, url: str) -> str:
    """Where the address leads from there; empty where it is none."""
    try:
        return urljoin(base, url) if url else ""
    except ValueError:
        return ""


def _is_public(url: str) -> bool:
    """Whether blobs may be fetched from there: https, by a name, on the usual port."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme != "https" or port not in {None, 443} or parts.username or "." not in host:
        return False
    try:
        ip_address(host)
    except ValueError:
        return not host.endswith((".local", ".internal", ".localhost"))
    return False
