"""Pages as a program visits them: their text, their links, and everything that a link leads to."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

from tests.views.bench import PATIENCE, TOKEN, Bench

KNOWN = frozenset(
    (
        "a", "b", "bdi", "body", "br", "button", "caption", "code", "datalist", "dd", "details", "dl", "dt",
        "em", "footer", "form", "h1", "h2", "h3", "head", "header", "html", "input", "label", "li", "line",
        "link", "main", "meta", "nav", "ol", "option", "p", "polygon", "polyline", "pre", "rect", "script",
        "section", "select", "span", "strong", "summary", "svg", "table", "tbody", "td", "text", "th",
        "thead", "time", "title", "tr", "ul", "div",
    )
)  # fmt: skip
"""Elements that our templates write."""


@dataclass(frozen=True)
class Visited:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def read(self) -> Read:
        found = Read()
        found.feed(self.text)
        return found


@dataclass
class Read(HTMLParser):
    """What a page is made of."""

    links: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    scripts: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in {"href", "src", "action"} and value]
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"} and data.strip():
            self.scripts.append(data)
        self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._inside = ""


def visit(bench: Bench, target: str, method: str = "GET", **headers: str) -> Visited:
    """The page at this address, for whoever sends these headers; else for the person at this machine."""
    sent = {"Authorization": f"Bearer {TOKEN}"} if not headers else dict(headers)
    return visit_as(bench, target, sent, method)


def visit_as(bench: Bench, target: str, headers: Mapping[str, str], method: str = "GET") -> Visited:
    """The page at this address, with these headers and no others."""
    parts = urlsplit(bench.host.http_url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, target, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        if method == "POST":
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        response = connection.getresponse()
        return Visited(response.status, response.read(), dict(response.getheaders()))
    finally:
        connection.close()


def everything(bench: Bench, headers: Mapping[str, str], most: int = 400) -> dict[str, Visited]:
    """Every page that links lead to from the first one, by address."""
    found: dict[str, Visited] = {}
    waiting = ["/security", "/security/recommendations", "/security/connectors"]
    while waiting and len(found) < most:
        target = waiting.pop(0)
        if target in found:
            continue
        found[target] = visit_as(bench, target, headers)
        kind = found[target].headers.get("Content-Type", "")
        if kind.startswith("text/html"):
            waiting += [link for link in found[target].read.links if link.startswith("/security")]
    return found
