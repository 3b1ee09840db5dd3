"""What changes when one connector document takes the place of another, and what each change means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cli.connector_document import as_written
from cli.connector_fields import ConnectorDocument


@dataclass(frozen=True, slots=True)
class Change:
    """One change: the field, such as `identity.clientId`, what it holds before and after, and the meaning.

    A list changes by entry: an entry that is new has no `before`, one that is gone no `after`.
    """

    field: str
    before: str | None
    after: str | None
    meaning: str

    def __str__(self) -> str:
        return f"{self.field}: {self.before or '(none)'} -> {self.after or '(none)'}. {self.meaning}"


_MEANINGS: Mapping[str, str] = {
    "name": "The connector is shown under the new name; its id and all that it found stay.",
    "tenant": "The organizations must belong to the new tenant, and the identity has to sign in there.",
    "subscription": "The connector is shown under the other subscription.",
    "resourceGroup": "The connector is shown in the other resource group, where its name must be free.",
    "region": "The connector is shown with the other region; nothing moves.",
    "identity": "The next run signs in as the other identity; prerequisites are checked anew for it.",
    "identity.account": "Another person has to sign in; prerequisites are checked anew for that person.",
    "identity.clientId": "The next run signs in with the other client id; prerequisites are checked anew.",
    "identity.secretSetting": "The secret is read from the other setting, which must be set.",
    "discoverAs": "The organizations are listed as the other identity.",
    "extension": "The other extension is looked for, and installed where that is turned on.",
    "postureRefreshInterval": "Posture is refreshed by the other interval, from its next refresh on.",
    "postureFullRefreshInterval": "Everything that posture rests on is read by the other interval.",
}
_VALUES: Mapping[tuple[str, str], str] = {
    (
        "mode",
        "existing",
    ): "Organizations that appear after stock was taken are no longer taken by themselves.",
    ("mode", "existing-and-future"): "Every organization that is found is taken, later ones too.",
    ("mode", "selected"): "Organizations that are not named give up their claim.",
    ("discoverAs", ""): "The organizations are listed as the identity that the connector runs as.",
    ("plan", "foundational"): "What Defender CSPM adds is shown as turned off.",
    ("plan", "defender-cspm"): "Container mapping, risk context and code-to-cloud are shown as turned on.",
    ("installExtension", "true"): "The extension is installed where it is missing: a write to Azure DevOps.",
    ("installExtension", "false"): "The extension is no longer installed; where it is, it stays.",
    ("readBuildLogs", "true"): "Logs of finished runs are read: at most two requests for each that pushed.",
    ("readBuildLogs", "false"): "Logs are no longer read; what they told is kept.",
}
_ADDED: Mapping[str, str] = {
    "organizations": "It is onboarded when it is found and its required prerequisites are met.",
    "exclude": "An organization that it fits gives up its claim; its inventory is kept.",
    "requiredPrerequisites": "An organization that does not meet it is no longer onboarded.",
    "pushSteps": "Logs of steps of this name are read, from the next finished run on.",
    "registries": "Its images, labels and attestations are read.",
    "tracedSubscriptions": "Its resources are looked at for running images.",
}
_GONE: Mapping[str, str] = {
    "organizations": "Where the mode is selected it gives up its claim; its inventory is kept.",
    "exclude": "An organization that it fitted is taken again, as the mode says.",
    "requiredPrerequisites": "Onboarding no longer depends on it; it is checked and shown all the same.",
    "pushSteps": "Logs of steps of this name are no longer read.",
    "registries": "It is no longer read; what it told is kept.",
    "tracedSubscriptions": "Its resources are no longer looked at; what was seen is kept, with when.",
}
_SPELLING = "Only the spelling changes: names compare without case."
_ORDER = "Only the order of the entries changes."


def changes(before: ConnectorDocument, after: ConnectorDocument) -> tuple[Change, ...]:
    """Every change, in the order of the fields; none only where the documents are the same."""
    return tuple(_changes(as_written(before), as_written(after)))


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Change]:
    for name, field in ConnectorDocument.model_fields.items():
        key = field.alias or name
        old, new = before.get(key), after.get(key)
        if key in _ADDED:
            yield from _entries(key, _texts(old), _texts(new))
        elif old != new:
            yield from _parts(key, old, new)


def _parts(key: str, old: object, new: object) -> Iterator[Change]:
    """Of an identity of the same kind its own fields, of everything else the whole."""
    if isinstance(old, Mapping) and isinstance(new, Mapping) and old.get("kind") == new.get("kind"):
        for name in dict.fromkeys((*old, *new)):
            if old.get(name) != new.get(name):
                yield _change(f"{key}.{name}", old.get(name), new.get(name), of=key)
        return
    yield _change(key, old, new)


def _change(field: str, old: object, new: object, of: str = "") -> Change:
    before, after = _shown(old), _shown(new)
    meaning = _VALUES.get((field, after or "")) or _MEANINGS.get(field) or _MEANINGS[of]
    return Change(field, before, after, meaning)


def _entries(key: str, old: list[str], new: list[str]) -> Iterator[Change]:
    had, has = _by_name(old), _by_name(new)
    yield from (Change(key, one, None, _GONE[key]) for name, one in had.items() if name not in has)
    yield from (Change(key, None, one, _ADDED[key]) for name, one in has.items() if name not in had)
    same = [name for name in had if name in has]
    yield from (Change(key, had[name], has[name], _SPELLING) for name in same if had[name] != has[name])
    moved = [(one, other) for one, other in zip(had, has, strict=False) if one != other]
    if moved and len(same) == len(had) == len(has):
        yield Change(key, had[moved[0][0]], has[moved[0][1]], _ORDER)


def _by_name(entries: list[str]) -> dict[str, str]:
    return {one.casefold(): one for one in entries}


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _shown(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return " ".join(str(one) for one in value.values())
    return str(value)
