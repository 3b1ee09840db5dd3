"""What the fields of a connector document demand of each other.

They are judged on what was written, so that they are told together with what is wrong in single fields: a
rule is silent where a field that it needs is wrong itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from cli.connector_fields import KINDS, LISTING_KINDS, TENANT_KINDS, UNTOLD_TENANT, quoted
from shared.model.connector import DiscoveryMode

FieldPath = tuple[str | int, ...]

_LISTING = "user, pat or azure-cli"


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken rule: the field to mend, what is wrong, and how to mend it. Fields are named in backticks."""

    where: FieldPath
    problem: str
    fix: str


def broken_rules(written: Mapping[str, object], wrong: Sequence[FieldPath]) -> Iterator[Broken]:
    """Every rule broken by fields that are right in themselves; `wrong` are the paths of the others."""
    believed = _Believed(written, wrong)
    yield from _duplicates(believed, "organizations")
    for field in ("exclude", "pushSteps", "registries", "tracedSubscriptions"):
        yield from _duplicates(believed, field)
    yield from _repeated_prerequisites(believed)
    yield from _overlaps(believed)
    yield from _tenant(believed)
    yield from _mode(believed)


class _Believed:
    """What of the document can be relied on."""

    def __init__(self, written: Mapping[str, object], wrong: Sequence[FieldPath]) -> None:
        self._written = written
        self._wrong = wrong

    def right(self, *where: str | int) -> bool:
        """Whether nothing is wrong there, above it or below it."""
        return not any(one[: len(where)] == where or where[: len(one)] == one for one in self._wrong)

    def text(self, key: str) -> str:
        """The field's text; empty where there is none to rely on."""
        value = self._written.get(key)
        return value if isinstance(value, str) and self.right(key) else ""

    def told(self, key: str) -> bool:
        """Whether the field was written, rightly or not."""
        return key in self._written

    def names(self, key: str) -> Iterator[tuple[int, str]]:
        """Entries of the list that are right in themselves, with their places."""
        value = self._written.get(key)
        for number, one in enumerate(value if isinstance(value, (list, tuple)) else ()):
            if isinstance(one, str) and self.right(key, number):
                yield number, one

    def kind(self, key: str) -> str:
        """Kind of the identity; empty where it is not known."""
        value = self._written.get(key)
        kind = value.get("kind") if isinstance(value, Mapping) else None
        return kind if isinstance(kind, str) and kind in KINDS and self.right(key, "kind") else ""


def _duplicates(believed: _Believed, key: str) -> Iterator[Broken]:
    first: dict[str, int] = {}
    for number, name in believed.names(key):
        earlier = first.setdefault(name.casefold(), number)
        if earlier != number:
            yield Broken(
                (key, number),
                f"{quoted(name)} repeats `{key}[{earlier}]`: case makes no difference.",
                "Take one of them out.",
            )


def _repeated_prerequisites(believed: _Believed) -> Iterator[Broken]:
    seen: set[str] = set()
    for number, name in believed.names("requiredPrerequisites"):
        if name in seen:
            yield Broken(
                ("requiredPrerequisites", number), f"{quoted(name)} is there twice.", "Take one out."
            )
        seen.add(name)


def _overlaps(believed: _Believed) -> Iterator[Broken]:
    excluded = list(believed.names("exclude"))
    for number, name in believed.names("organizations"):
        for _, pattern in excluded:
            if fnmatchcase(name.casefold(), pattern.casefold()):
                yield Broken(
                    ("organizations", number),
                    f"{quoted(name)} is excluded by {quoted(pattern)} in `exclude`.",
                    "Take it out of one of the two: an exclusion wins over everything.",
                )
                break


def _tenant(believed: _Believed) -> Iterator[Broken]:
    if not believed.right("tenant") or believed.text("tenant") not in {"", UNTOLD_TENANT}:
        return
    kinds = (believed.kind("identity"), believed.kind("discoverAs"))
    needing = next((kind for kind in kinds if kind in TENANT_KINDS), None)
    if needing is not None:
        yield Broken(
            ("tenant",),
            f"a {needing} signs in to a tenant, and none is told.",
            "Set `tenant` to the id or a domain name of the tenant that the organizations belong to.",
        )


def _mode(believed: _Believed) -> Iterator[Broken]:
    mode = believed.text("mode")
    # A list that is there and wrong is not a list that is missing.
    unnamed = believed.right("organizations") and not any(believed.names("organizations"))
    if mode == DiscoveryMode.SELECTED:
        if unnamed:
            yield Broken(
                ("organizations",),
                "mode selected needs at least one.",
                "Name each under `organizations`, or set `mode` to existing-and-future.",
            )
        return
    kind = believed.kind("identity")
    if not mode or not kind or kind in LISTING_KINDS or _discovers(believed):
        return
    cannot = f"Azure DevOps lists no organizations for a {kind}"
    if mode == DiscoveryMode.EXISTING_AND_FUTURE:
        yield Broken(
            ("mode",),
            f"{cannot}, so future ones could never be found.",
            f"Add `discoverAs` {_LISTING}, or set `mode` to selected and name them under `organizations`.",
        )
    elif unnamed:
        yield Broken(
            ("organizations",),
            f"{cannot}, so the existing ones must be named.",
            f"Name each under `organizations`, or add `discoverAs` {_LISTING}.",
        )


def _discovers(believed: _Believed) -> bool:
    """Whether another identity lists, or was meant to."""
    return believed.told("discoverAs")
