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
    "tests/posture/test_nothing_changed.py",
    "tests/posture/test_notify_organization.py",
    "tests/posture/test_odd_answers.py",
    "tests/posture/test_refresh.py",
    "tests/posture/test_rights.py",
    "tests/posture/test_rule_docs.py",
)
"""They run the simulator, or read pages that are not among the copies."""

WANTED = 0.85
STATS = Path("mutants/mutmut-stats.json")
RULES_PER_FUNCTION = 4
"""Of the rules that a function makes, those whose tests try its mutants. More would only take longer."""
MUTANTS_PER_FUNCTION = 8
"""Of the mutants of such a function, those that are tried, evenly chosen: each takes a process of its own."""

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


def made_at_import(work: Path, program: str) -> dict[str, list[str]]:
    """Functions that run while rules' modules are imported, each with the ids of those rules."""
    (work / "mutants" / "at_import.py").write_text(_AT_IMPORT, encoding="utf-8")
    asked = subprocess.run(  # noqa: S603 - our own environment
        [str(Path(program).parent / "python"), "at_import.py"],
        cwd=work / "mutants",
        capture_output=True,
        text=True,
        check=True,
    )
    made: dict[str, list[str]] = json.loads(asked.stdout)
    return made


def chosen(mutants: list[str]) -> list[str]:
    """So many as are tried, evenly spread."""
    many = len(mutants)
    most = min(many, MUTANTS_PER_FUNCTION)
    return [mutants[number * many // most] for number in range(most)]


def try_what_is_imported(
    work: Path, program: str, processes: str, made_by: dict[str, list[str]], tried: list[str]
) -> int:
    """Try again the mutants of functions that rules are made with, while their modules are imported.

    mutmut switches a mutant on in a process that has imported everything, which is too late for these. Here
    each gets a process that imports it anew, and the tests of some of the rules that it makes.
    """
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
        [program, "run", "--max-children", processes, *tried], cwd=work, stdout=sys.stderr, check=False
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


def outcomes_of(work: Path, program: str) -> dict[str, str]:
    """How each mutant ended."""
    ended = subprocess.run(  # noqa: S603 - our own environment
        [program, "results", "--all", "true"], cwd=work, capture_output=True, text=True, check=True
    )
    lines = (line.strip().rpartition(": ") for line in ended.stdout.splitlines())
    return {mutant: outcome for mutant, separator, outcome in lines if separator and "__mutmut_" in mutant}


def by_module(outcomes: dict[str, str]) -> dict[str, Counter[str]]:
    """How many mutants of each module ended in which way."""
    found: dict[str, Counter[str]] = {}
    for mutant, outcome in outcomes.items():
        found.setdefault(mutant.rpartition(".")[0], Counter())[outcome] += 1
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
            f"wrote this page, in {minutes:.0f} minutes. Of functions that make rules while modules are",
            f"imported, {MUTANTS_PER_FUNCTION} mutants each were tried: each takes a process of its own.",
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


def _unfinished(why: str) -> int:
    sys.stderr.write(f"mutmut did not finish: {why}.\n")
    return 2


def main(work: Path, mutmut: Path, processes: str, only: list[str]) -> int:
    """Progress goes to standard error, the page to standard output."""
    configure(work, only)
    program = str(mutmut.resolve())
    started = time.monotonic()
    ran = subprocess.run(  # noqa: S603 - our own environment
        [program, "run", "--max-children", processes], cwd=work, stdout=sys.stderr, check=False
    )
    if ran.returncode:
        return _unfinished(f"exit code {ran.returncode}")
    outcomes = outcomes_of(work, program)
    mutants: dict[str, list[str]] = {}
    for mutant in outcomes:
        mutants.setdefault(mutant.rpartition("__mutmut_")[0], []).append(mutant)
    made_by = {one: rules for one, rules in made_at_import(work, program).items() if one in mutants}
    tried = [mutant for function in made_by for mutant in chosen(mutants[function])]
    left_out = {mutant for function in made_by for mutant in mutants[function]}.difference(tried)
    if tried and (code := try_what_is_imported(work, program, processes, made_by, tried)):
        return _unfinished(f"exit code {code}")
    outcomes = outcomes_of(work, program)
    found = by_module({one: outcome for one, outcome in outcomes.items() if one not in left_out})
    total = sum(found.values(), Counter[str]())
    untold = {one: number for one, number in total.items() if one not in _NOTICED | _MISSED}
    if untold or not total:
        return _unfinished(f"not told: {untold}")
    sys.stdout.write(report(found, (time.monotonic() - started) / 60))
    if share(total) < WANTED:
        sys.stderr.write(f"Fewer than {WANTED:.0%} of the mutants were noticed.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
