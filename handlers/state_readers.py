"""Whether rules, contents and checkpoints in the state mean anything to those who go on from them."""

from __future__ import annotations

from collections.abc import Container

from shared.model.record import RecordKind
from shared.model.work import WorkKind
from shared.posture import kept_facts
from shared.posture.catalogue import RULES, find
from shared.posture.exemptions import is_pattern, matches
from shared.reconcile import listing
from shared.reconcile.consistency.everybody import Readers
from shared.tracing import seen_runs


def _has_rule(rule: str) -> bool:
    return any(matches(rule, one.id) for one in RULES) if is_pattern(rule) else find(rule) is not None


def _is_content(kind: RecordKind, name: tuple[str, ...], content: bytes) -> bool:
    if kind is RecordKind.FACTS:
        return kept_facts.is_sound(kept_facts.KeptProject, content)
    match name[1]:
        case WorkKind.POSTURE.value:
            return kept_facts.is_sound(kept_facts.Kept, content)
        case WorkKind.INVENTORY.value:
            return listing.is_content(content)
        case WorkKind.IMAGES.value:
            return seen_runs.is_sound(content)
        case _:
            return False


def _is_checkpoint(kind: WorkKind, checkpoint: str, projects: Container[str]) -> bool:
    match kind:
        case WorkKind.POSTURE:
            return kept_facts.is_checkpoint(checkpoint, projects)
        case WorkKind.INVENTORY:
            return listing.is_checkpoint(checkpoint)
        case WorkKind.IMAGES:
            return seen_runs.is_checkpoint(checkpoint, projects)
        case _:
            return False  # it is never cut


READERS = Readers(_has_rule, _is_content, _is_checkpoint)
