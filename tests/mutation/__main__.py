"""Run mutmut in a copy of the project and tell, module by module, how many mutants the tests noticed.

Started by `scripts/mutate`, which makes the copy. Ends with 1 where fewer were noticed than wanted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

CORE = ("shared/posture", "shared/reconcile")
TESTS = ("tests/posture", "tests/reconcile")
NOT_PURE = (
    "tests/posture/test_assess_organization.py",
    "tests/posture/test_bad_organization.py",
    "tests/posture/test_cost.py",
    "tests/posture/test_notify_organization.py",
    "tests/posture/test_rights.py",
    "tests/posture/test_rule_docs.py",
)
"""They run the simulator, or read pages that are not among the copies."""

WANTED = 0.85
STATS = Path("mutants/mutmut-stats.json")
RULES_PER_FUNCTION = 4
"""Of the rules that a function makes, those whose tests try its mutants. More would only take longer."""

_NOTICED = frozenset({"killed", "timeout", "suspicious", "segfault"})
_MISSED = frozenset({"survived", "no tests"})


def configure(work: Path, only: list[str]) -> None:
    """Add mutmut's settings to the copy of pyproject.toml."""
    settings: dict[str, object] = {
        "source_paths": list(CORE),
        "also_copy": ["shared", "handlers", "local", "cli", "function_app.py"],
        "only_mutate": only,
        "pytest_add_cli_args": ["-q", "-p", "no:cacheprovider", *(f"--ignore={one}" for one in NOT_PURE)],
        "pytest_add_cli_args_test_selection": list(TESTS),
        "use_git_change_detection": False,
    }
    with (work / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.mutmut]\n")
        # A list of texts, and a truth, are written in TOML as in JSON.
        file.writelines(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())


def try_what_is_imported(work: Path, program: str, processes: str) -> int:
    """Try again the mutants of functions that rules are made with, while their modules are imported.

    mutmut switches a mutant on in a process that has imported everything, which is too late for these. Here
    each gets a process that imports it anew, and the tests of some of the rules that it makes.
    """
    (work / "mutants" / "at_import.py").write_text(_AT_IMPORT, encoding="utf-8")
    asked = subprocess.run(  # noqa: S603 - our own environment
        [str(Path(program).parent / "python"), "at_import.py"],
        cwd=work / "mutants",
        capture_output=True,
        text=True,
        check=True,
    )
    made_by: dict[str, list[str]] = json.loads(asked.stdout)
    stats = json.loads((work / STATS).read_text(encoding="utf-8"))
    for function, rules in made_by.items():
        marks = tuple(f"[{rule}" for rule in rules[:RULES_PER_FUNCTION])
        stats["tests_by_mangled_function_name"][function] = [
            test for test in stats["duration_by_test"] if any(mark in test for mark in marks)
        ]
    (work / STATS).write_text(json.dumps(stats), encoding="utf-8")
    with (work / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('process_isolation = "forkserver"\nforkserver_warmup = "none"\n')
    return subprocess.run(  # noqa: S603 - our own environment
        [program, "run", "--max-children", processes, *(f"{one}__mutmut_*" for one in made_by)],
        cwd=work,
        stdout=sys.stderr,
        check=False,
    ).returncode


_AT_IMPORT = """
import importlib, json, os, pkgutil
os.environ["MUTANT_UNDER_TEST"] = "stats"
from mutmut.state import state
import shared.posture.rules as rules
made = {}
for each in sorted(one.name for one in pkgutil.iter_modules(rules.__path__)):
    state()._stats.clear()
    rule = importlib.import_module(f"shared.posture.rules.{each}").RULE
    for function in state()._stats:
        made.setdefault(function, []).append(rule.id)
print(json.dumps(made))
"""
"""Which functions run while a rule's module is imported, in the mutated copy: {function: [rule, ...]}."""


def told(results: str) -> dict[str, Counter[str]]:
    """How many mutants of each module ended in which way, from what `mutmut results --all true` says."""
    found: dict[str, Counter[str]] = {}
    for line in results.splitlines():
        mutant, separator, outcome = line.strip().rpartition(": ")
        if separator and "__mutmut_" in mutant:
            module = mutant.rpartition(".")[0]
            found.setdefault(module, Counter())[outcome] += 1
    return found


def report(found: dict[str, Counter[str]], minutes: float) -> str:
    """The page, in Markdown."""
    total = Counter[str]()
    lines = []
    for module, outcomes in sorted(found.items()):
        total += outcomes
        lines.append(f"| `{module}` | {_row(outcomes)} |")
    return "\n".join(
        (
            "# Mutation testing",
            "",
            "Each mutant is the core with one small thing wrong: a comparison turned round, a number one",
            "off, a text changed. It is *noticed* when a test fails. No check runs it: `scripts/mutate`",
            f"wrote this page, in {minutes:.0f} minutes.",
            "",
            "| module | mutants | noticed | missed | share |",
            "| --- | --- | --- | --- | --- |",
            f"| **all** | {_row(total)} |",
            *lines,
            "",
        )
    )


def _row(outcomes: Counter[str]) -> str:
    noticed = sum(outcomes[one] for one in _NOTICED)
    missed = sum(outcomes[one] for one in _MISSED)
    return f"{noticed + missed} | {noticed} | {missed} | {share(outcomes):.1%}"


def share(outcomes: Counter[str]) -> float:
    """Of the mutants that were tried, those that a test noticed."""
    noticed = sum(outcomes[one] for one in _NOTICED)
    tried = noticed + sum(outcomes[one] for one in _MISSED)
    return noticed / tried if tried else 0.0


def main(work: Path, mutmut: Path, processes: str, only: list[str]) -> int:
    """Progress goes to standard error, the page to standard output."""
    configure(work, only)
    program = str(mutmut.resolve())
    started = time.monotonic()
    ran = subprocess.run(  # noqa: S603 - our own environment
        [program, "run", "--max-children", processes], cwd=work, stdout=sys.stderr, check=False
    )
    again = try_what_is_imported(work, program, processes)
    results = subprocess.run(  # noqa: S603 - our own environment
        [program, "results", "--all", "true"], cwd=work, capture_output=True, text=True, check=True
    )
    found = told(results.stdout)
    total = sum(found.values(), Counter[str]())
    untold = {one: number for one, number in total.items() if one not in _NOTICED | _MISSED}
    if ran.returncode or again or not total or untold:
        sys.stderr.write(f"mutmut did not finish (exits {ran.returncode}, {again}; not told: {untold}).\n")
        return 2
    sys.stdout.write(report(found, (time.monotonic() - started) / 60))
    if share(total) < WANTED:
        sys.stderr.write(f"Fewer than {WANTED:.0%} of the mutants were noticed.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
