"""Rules are found by being there, and two that claim the same name are refused."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from shared.model.facts import FactKind
from shared.posture import rules as package
from shared.posture.catalogue import RULES, CatalogueError, fact_kinds, find, load_rules, rule_ids

SOURCE = "from dataclasses import replace\nfrom shared.posture.catalogue import RULES\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "more_rules").mkdir()
    (tmp_path / "more_rules" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("more_rules")]:
        monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()
    return importlib.import_module("more_rules")


def write(folder: ModuleType, name: str, text: str) -> None:
    (Path(folder.__path__[0]) / f"{name}.py").write_text(text, encoding="utf-8")
    importlib.invalidate_caches()


def test_each_file_is_a_rule_and_each_rule_a_file() -> None:
    files = [path for path in Path(package.__path__[0]).glob("*.py") if path.stem != "__init__"]
    assert len(files) == len(RULES)


def test_rules_stand_in_order_of_id() -> None:
    assert [rule.id for rule in RULES] == sorted(rule_ids())


def test_a_new_file_is_found_without_being_named_anywhere(folder: ModuleType) -> None:
    write(folder, "b", SOURCE + "RULE = replace(RULES[0], id='ADO-NEW-002', assessment_key='', aliases=())")
    write(folder, "a", SOURCE + "RULE = replace(RULES[0], id='ADO-NEW-003', assessment_key='', aliases=())")
    assert [rule.id for rule in load_rules(folder)] == ["ADO-NEW-002", "ADO-NEW-003"]


def test_the_same_id_twice_is_refused(folder: ModuleType) -> None:
    write(folder, "a", SOURCE + "RULE = replace(RULES[0], assessment_key='')")
    write(folder, "b", SOURCE + "RULE = replace(RULES[0], assessment_key='')")
    with pytest.raises(CatalogueError, match=f"a.py and b.py both have {RULES[0].id}"):
        load_rules(folder)


def test_the_same_id_of_another_tool_twice_is_refused(folder: ModuleType) -> None:
    for name, alias in (("a", "Azure.DevOps.New"), ("b", "azure.devops.new")):
        made = f"id='ADO-NEW-{name}', assessment_key='', aliases=('{alias}',)"
        write(folder, name, SOURCE + f"RULE = replace(RULES[0], {made})")
    with pytest.raises(CatalogueError, match="both have"):
        load_rules(folder)


def test_the_same_defender_key_twice_is_refused(folder: ModuleType) -> None:
    write(folder, "a", SOURCE + "RULE = RULES[0]")
    write(folder, "b", SOURCE + "RULE = replace(RULES[0], id='ADO-NEW-001')")
    with pytest.raises(CatalogueError, match="both have"):
        load_rules(folder)


def test_a_file_without_a_rule_is_refused(folder: ModuleType) -> None:
    write(folder, "a", "RULE = 1")
    with pytest.raises(CatalogueError, match=r"a\.py has no RULE"):
        load_rules(folder)


def test_rules_are_found_by_id_and_by_key() -> None:
    for rule in RULES:
        assert find(f" {rule.id.lower()} ") is rule
        assert not rule.assessment_key or find(rule.assessment_key.upper()) is rule
        assert all(find(alias) is rule for alias in rule.aliases)
    assert find("") is None
    assert find("ADO-NONE-001") is None


def test_every_kind_of_fact_is_needed_by_some_rule() -> None:
    assert fact_kinds() == frozenset(FactKind)
