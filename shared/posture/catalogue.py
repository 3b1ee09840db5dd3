"""Finds the rules: every module of `shared.posture.rules` that has a `RULE`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType

from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture import rules as package
from shared.posture.rule import Rule


class CatalogueError(Exception):
    """A rule file is wrong: it has no `RULE`, or an id, Defender key or alias that another one has."""


def _names(rule: Rule) -> tuple[str, ...]:
    return tuple(name for name in (rule.id, rule.assessment_key, *rule.aliases) if name)


def load_rules(folder: ModuleType) -> tuple[Rule, ...]:
    """Every rule of a package, in order of id."""
    found: dict[str, Rule] = {}
    claimed: dict[str, str] = {}
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda one: one.name):
        rule = getattr(importlib.import_module(f"{folder.__name__}.{module.name}"), "RULE", None)
        if not isinstance(rule, Rule):
            raise CatalogueError(f"{module.name}.py has no RULE")
        for name in _names(rule):
            if claimed.setdefault(name.casefold(), module.name) != module.name:
                raise CatalogueError(f"{claimed[name.casefold()]}.py and {module.name}.py both have {name}")
        found[rule.id] = rule
    return tuple(found[name] for name in sorted(found))


RULES = load_rules(package)
"""All rules, in order of id."""

_BY_NAME = {name.casefold(): rule for rule in RULES for name in _names(rule)}


def find(name: str) -> Rule | None:
    """The rule with this id, Defender key or id in another tool, whatever its case."""
    return _BY_NAME.get(name.strip().casefold())


def rule_ids(rules: Iterable[Rule] = RULES) -> frozenset[RuleId]:
    """Ids of the rules."""
    return frozenset(rule.id for rule in rules)


def fact_kinds(rules: Iterable[Rule] = RULES) -> frozenset[FactKind]:
    """Every kind of fact that some rule needs."""
    return frozenset(kind for rule in rules for kind in rule.needs)
