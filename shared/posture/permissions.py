"""The right that reading each kind of fact takes, as a person would look for it."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.facts import FactKind
from shared.posture.fact_sets import FACT_SETS

PERMISSIONS: Mapping[FactKind, str] = {one.kind: one.permission for one in FACT_SETS}
"""Shown with *unknown* verdicts whose failure does not name the right itself, and in the rule's page."""
