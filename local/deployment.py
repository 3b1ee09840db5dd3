"""Upgrades, rolls back or removes a deployment.

    scripts/deployment upgrade 0.5.0      back up the state, deploy that version, wait until it runs
    scripts/deployment rollback 0.4.0     the same the other way, unless that version cannot read the state
    scripts/deployment uninstall          remove what was made, and nothing else
    scripts/deployment released           whether this tree is a released version
    scripts/deployment check              whether the app runs what this tree holds

Speaks through azd, the Azure CLI and git, as whoever is signed in to them. Each may be broken off and run
again: what is done already is not done twice.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from local.azd import values
from local.azure_cli import SetupProblem, az, ended
from local.setup_deployment import given_roles
from shared.connector_state.place import StateUrlError
from shared.connector_state.versions import versions
from shared.ports import StateUnavailable
from shared.queue.receiver import QUEUES

BACKUPS = Path("backups")
"""Beside the project, and neither in git nor in what is deployed."""

_COMMAND = ".venv/bin/ado-connector"
_BETWEEN_LOOKS = 10
"""Seconds."""
_VAULT_KEY = re.compile(r"keyvault://([\w-]+)/([\w-]+)")
_RESOURCE = re.compile(
    r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/[^/]+/[^/]+/([^/]+)", re.IGNORECASE
)
_CALLBACK = "/.auth/login/aad/callback"


@dataclass(frozen=True)
class Options:
    """What was asked for besides."""

    dry_run: bool = False
    backup: bool = True
    unreleased: bool = False
    sure: bool = False
    wait: float = 600
    """Seconds."""


def say(text: str) -> None:
    """Tell people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def required(known: Mapping[str, str], name: str) -> str:
    """A value that a deployment leaves. Raises `SetupProblem`."""
    if not known.get(name):
        raise SetupProblem(f"{name}: azd knows none, so nothing was deployed here. Deploy with: azd up.")
    return known[name]


# --- programs ---------------------------------------------------------------------------------------------


def run(*words: str, known: Mapping[str, str] | None = None) -> None:
    """Run a program, and let people see what it says. Raises `SetupProblem`."""
    done = subprocess.run([_found(words[0]), *words[1:]], env=_environment(known), check=False)  # noqa: S603
    if done.returncode:
        raise SetupProblem(f"{' '.join(words[:3])}: ended with exit code {done.returncode}, see above.")


def ask(*words: str, known: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program, and take what it says."""
    return subprocess.run(  # noqa: S603
        [_found(words[0]), *words[1:]], env=_environment(known), capture_output=True, text=True, check=False
    )


def _found(program: str) -> str:
    found = program if "/" in program else shutil.which(program)
    if found is None or ("/" in program and not Path(program).exists()):
        raise SetupProblem(f"{program} is not there. docs/deploy/README.md tells what a deployment needs.")
    return found


def _environment(known: Mapping[str, str] | None) -> dict[str, str] | None:
    import os  # noqa: PLC0415 - for this alone

    return None if known is None else {**os.environ, **known}


# --- versions ---------------------------------------------------------------------------------------------


def version_of_tree() -> str:
    """The version in pyproject.toml."""
    return str(tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["version"])


def check_clean() -> None:
    """Raises `SetupProblem` where the tree holds what no commit holds: it would be deployed, too."""
    told = ask("git", "status", "--porcelain")
    if told.returncode:
        raise SetupProblem(
            f"git status: {told.stderr.strip()} Upgrades start from a clone of the repository."
        )
    if changed := told.stdout.splitlines():
        # Two letters that say how a file differs stand before its name.
        names = ", ".join([*(one[3:] for one in changed[:3]), *(["..."] if changed[3:] else [])])
        raise SetupProblem(
            f"This tree is not as it was committed: {names}. Commit it, or put it aside with: "
            "git stash --include-untracked."
        )


def check_released() -> str:
    """The version of the tree. Raises `SetupProblem` unless its tag names this very commit."""
    check_clean()
    version = version_of_tree()
    tags = ask("git", "tag", "--points-at", "HEAD").stdout.split()
    if f"v{version}" not in tags:
        raise SetupProblem(
            f"This tree says {version} and is not what was released as that: no tag v{version} is on its "
            f"commit. Take the release: git fetch --tags, git checkout v{version}."
        )
    return version


def check_tag(version: str) -> str:
    """The tag of a version. Raises `SetupProblem` where there is none."""
    tag = f"v{version.removeprefix('v')}"
    if ask("git", "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}").returncode:
        raise SetupProblem(
            f"VERSION: there is no tag {tag} here. Fetch the tags: git fetch --tags; list them: git tag."
        )
    return tag


@contextmanager
def checked_out(tag: str) -> Iterator[None]:
    """Go to a version, or stay where there is none; back to where we were when it does not end well."""
    if not tag:
        yield
        return
    branch = ask("git", "symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip()
    before = branch or ask("git", "describe", "--tags", "--exact-match").stdout.strip()
    before = before or ask("git", "rev-parse", "HEAD").stdout.strip()
    run("git", "checkout", "--quiet", tag)
    try:
        yield
    except BaseException:
        run("git", "checkout", "--quiet", before)
        say(f"This tree is {before} again.")
        raise


# --- the state --------------------------------------------------------------------------------------------


def back_up(known: Mapping[str, str], options: Options) -> Path | None:
    """Export the state by the program that keeps it; returns where to, or None where there is nothing to.

    Raises `SetupProblem`: a program of another version would bring the state up to date as it reads it.
    """
    if not options.backup:
        say("No backup, as you asked.")
        return None
    url = required(known, "STATE_URL")
    try:
        found = versions(url)
    except (StateUnavailable, StateUrlError) as problem:
        raise SetupProblem(
            f"The state cannot be backed up: {problem} To go on without: --no-backup."
        ) from None
    if found.stored is None:
        say("There is no state yet, so nothing to back up.")
        return None
    if found.stored != found.own:
        way = "newer" if found.stored > found.own else "earlier"
        raise SetupProblem(
            f"The state was written by an {way} version than this tree's (schema {found.stored}, here "
            f"{found.own})".replace("an newer", "a newer")
            + ", and a backup is made by the version that runs. "
            "Go to that one first (git checkout vVERSION); where there is a backup already: --no-backup."
        )
    now = datetime.now(UTC)
    file = BACKUPS / f"{known['AZURE_ENV_NAME']}-{version_of_tree()}-{now:%Y%m%dT%H%M%SZ}.jsonl"
    if options.dry_run:
        say(f"Would back up the state to {file}.")
        return file
    BACKUPS.mkdir(mode=0o700, exist_ok=True)
    say(f"Backing up the state to {file}.")
    run(_COMMAND, "state", "export", str(file), known=known)
    return file


# --- the app ----------------------------------------------------------------------------------------------


def functions_of_tree() -> set[str]:
    """The functions that function_app.py declares."""
    tree = ast.parse(Path("function_app.py").read_text("utf-8"))
    return {
        one.name
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
        and any(ast.unparse(mark).startswith("app.") for mark in one.decorator_list)
    }


def check(known: Mapping[str, str], options: Options) -> None:
    """Wait until the app has the functions of this tree and is healthy.

    Raises `SetupProblem` when it does not become so in time.
    Whether a closed app is healthy cannot be asked from outside; that is said.
    """
    required(known, "FUNCTION_APP_NAME")
    until = time.monotonic() + options.wait
    while True:
        problem = _what_is_wrong(known)
        if problem is None:
            return
        if time.monotonic() + _BETWEEN_LOOKS > until:
            raise SetupProblem(
                f"{problem} Waited {options.wait / 60:.0f} min. "
                "See docs/operate/runbooks/app-silent.md; to look again: scripts/deployment check."
            )
        say(f"{problem} Looking again in {_BETWEEN_LOOKS} s.")
        time.sleep(_BETWEEN_LOOKS)


def _named(known: Mapping[str, str]) -> tuple[str, ...]:
    """How the Azure CLI is told which app."""
    name, group = required(known, "FUNCTION_APP_NAME"), required(known, "AZURE_RESOURCE_GROUP")
    return ("--name", name, "--resource-group", group, *_in(known))


def check_reachable(known: Mapping[str, str]) -> None:
    """Raises `SetupProblem` where the app could not be looked at afterwards."""
    az("functionapp", "show", *_named(known))


def _what_is_wrong(known: Mapping[str, str]) -> str | None:
    name, words = known["FUNCTION_APP_NAME"], _named(known)
    app = az("functionapp", "show", *words)
    if app.get("state") != "Running":
        return f"{name} is {app.get('state')}."
    there = {
        str(one["name"]).rpartition("/")[2] for one in az("functionapp", "function", "list", *words) or []
    }
    expected = functions_of_tree()
    if missing := sorted(expected - there):
        return f"{name} has {len(there & expected)} of {len(expected)} functions; {missing[0]} is missing."
    if other := sorted(there - expected):
        return f"{name} still has the function {other[0]} of another version."
    status = health(f"https://{app['defaultHostName']}/api/health")
    if status == "closed":
        say(f"{name} has all {len(expected)} functions. It is closed, so its health was not asked.")
        return None
    if status == "healthy":
        say(f"{name} has all {len(expected)} functions and is healthy.")
        return None
    return f"{name} has all functions, and its health is: {status}."


def health(address: str) -> str:
    """What the app says of itself: healthy, degraded, closed, or what came in the place of an answer."""
    try:
        with urlopen(Request(address), timeout=30) as answer:  # noqa: S310 - https, see the caller
            return str(json.load(answer).get("status"))
    except HTTPError as error:
        if error.code in {401, 403}:
            return "closed"
        with error:
            return "degraded" if error.code == 503 else f"HTTP {error.code}"  # noqa: PLR2004 - degraded
    except (URLError, TimeoutError, ValueError, AttributeError) as error:
        return f"no answer ({type(error).__name__})"


# --- upgrade and rollback ---------------------------------------------------------------------------------


def _deploy(known: Mapping[str, str], options: Options) -> None:
    for words in (("provision",), ("deploy",)):
        line = ("azd", *words, "--environment", known["AZURE_ENV_NAME"], "--no-prompt")
        if options.dry_run:
            say(f"Would run: {' '.join(line)}")
        else:
            run(*line)


def _look(known: Mapping[str, str], options: Options, backup: Path | None, back: str) -> None:
    """See whether what was deployed runs, and tell how to go back from it."""
    if options.dry_run:
        say("Would wait until the app has the functions of that version and is healthy.")
        return
    say(f"Deployed {version_of_tree()}." + (f" The backup is {backup}." if backup else ""))
    try:
        check(known, options)
    finally:
        if not back.endswith(f" {version_of_tree()}"):
            say(f"To go back: scripts/deployment {back}")


def upgrade(known: Mapping[str, str], version: str, options: Options) -> None:
    """Back up, deploy, wait; without a version, what this tree holds. Raises `SetupProblem`."""
    check_clean()
    before = version_of_tree()
    tag = check_tag(version) if version else ""
    if not version and not options.unreleased:
        check_released()
    check_reachable(known)
    backup = back_up(known, options)
    if tag and options.dry_run:
        say(f"Would run: git checkout {tag}")
        _deploy(known, options)
    else:
        with checked_out(tag):
            _deploy(known, options)
    _look(known, options, backup, f"rollback {before}")


def rollback(known: Mapping[str, str], version: str, options: Options) -> None:
    """Deploy an earlier version, where it can read the state. Raises `SetupProblem`."""
    check_clean()
    before = version_of_tree()
    tag = check_tag(version)
    check_reachable(known)
    required(known, "STATE_URL")
    backup = back_up(known, options)
    if options.dry_run:
        say(f"Would run: git checkout {tag}, and ask that version whether it can read the state.")
        _deploy(known, options)
        _look(known, options, backup, f"upgrade {before}")
        return
    with checked_out(tag):
        run("scripts/install")
        told = ask(_COMMAND, "connector", "list", "--output", "json", known=known)
        if told.returncode:
            raise SetupProblem(_beyond(tag, told.stderr.strip(), backup))
        _deploy(known, options)
    _look(known, options, backup, f"upgrade {before}")


def _beyond(tag: str, told: str, backup: Path | None) -> str:
    lines = [
        f"{tag} cannot work on the state, and was not deployed. It says: {told}",
        "Stay on the version that is deployed, or upgrade to one that mends what made you go back.",
        f"To take {tag} with the state as it was, import a backup that {tag} made into an empty table:",
        "docs/deploy/README.md tells how. What happened since is lost by it.",
    ]
    if backup:
        lines.append(f"The state as it is now is in {backup}, which only this version reads.")
    return "\n".join(lines)


# --- uninstall --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Something that goes."""

    what: str
    words: tuple[str, ...]
    """Of the Azure CLI, that remove it."""


def uninstall(known: Mapping[str, str], options: Options) -> None:
    """Show what goes, ask, remove it, tell what is left. Raises `SetupProblem`."""
    name, group = required(known, "AZURE_ENV_NAME"), required(known, "AZURE_RESOURCE_GROUP")
    if group != f"rg-ado-connector-{name}":
        raise SetupProblem(
            f'AZURE_RESOURCE_GROUP: "{group}" is not rg-ado-connector-{name}, which azd up makes for the '
            f'environment "{name}", so it is not removed. Choose the environment: azd env select NAME.'
        )
    steps = list(_steps(known))
    if not steps:
        say("There is nothing left to remove in Azure.")
        _tell_left(known, [])
        return
    say("This goes, and cannot be brought back:")
    for one in steps:
        say(f"  {one.what}")
    organizations = _organizations(known)
    if options.dry_run:
        if _exists(known):
            back_up(known, options)
        _tell_left(known, organizations)
        return
    if not options.sure:
        say(f'Type the name of the environment, "{name}", to remove it:')
        if sys.stdin.readline().strip() != name:
            raise SetupProblem("That was not its name. Nothing was removed.")
    if _exists(known):
        _stop_and_back_up(known, steps, options)
    for one in steps:
        say(f"Removing: {one.what.partition(', with')[0]}")
        az(*one.words)
    _tell_left(known, organizations)


def _stop_and_back_up(known: Mapping[str, str], steps: list[Step], options: Options) -> None:
    """The last backup is of an app that does nothing any more: tables are not read as of one moment."""
    stops = steps[0].words[:2] == ("functionapp", "stop")
    if stops:
        one = steps.pop(0)
        say(f"First, {one.what}.")
        az(*one.words)
    try:
        back_up(known, options)
    except SetupProblem:
        if stops:
            say("Nothing was removed, and the app is stopped. To start it again: az functionapp start.")
        raise


def _exists(known: Mapping[str, str]) -> bool:
    return az("group", "exists", "--name", known["AZURE_RESOURCE_GROUP"], *_in(known)) is True


def _in(known: Mapping[str, str]) -> tuple[str, str]:
    return ("--subscription", required(known, "AZURE_SUBSCRIPTION_ID"))


def _steps(known: Mapping[str, str]) -> Iterator[Step]:
    """What is there of ours, in the order in which it goes: what lies elsewhere first."""
    group, exists = known["AZURE_RESOURCE_GROUP"], _exists(known)
    made = az("resource", "list", "--resource-group", group, *_in(known)) if exists else []
    app = known.get("FUNCTION_APP_NAME", "")
    if any((one["type"], one["name"]) == ("Microsoft.Web/sites", app) for one in made):
        yield Step(
            f"the app {app} is stopped",
            ("functionapp", "stop", "--name", app, "--resource-group", group, *_in(known)),
        )
    yield from _in_existing_vault(known)
    yield from _in_existing_namespace(known)
    yield from _registration(known)
    if exists:
        listed = "".join(f"\n    {one['type']} {one['name']}" for one in made)
        yield Step(
            f"the resource group {group}, with{listed or ' nothing in it'}",
            ("group", "delete", "--name", group, "--yes", *_in(known)),
        )
    vault = _VAULT_KEY.match(known.get("TOKEN_KEY", ""))
    if vault and not known.get("EXISTING_KEY_VAULT_ID"):
        deleted = az("keyvault", "list-deleted", "--resource-type", "vault", *_in(known)) or []
        if exists or vault[1] in {one["name"] for one in deleted}:
            place = ("--location", required(known, "AZURE_LOCATION"), *_in(known))
            yield Step(f"the vault {vault[1]} for good", ("keyvault", "purge", "--name", vault[1], *place))


def _in_existing_vault(known: Mapping[str, str]) -> Iterator[Step]:
    place, key = known.get("EXISTING_KEY_VAULT_ID", ""), _VAULT_KEY.match(known.get("TOKEN_KEY", ""))
    if not _RESOURCE.match(place) or not key:
        return
    vault, secret = key[1], key[2]
    try:
        secrets = az("keyvault", "secret", "list", "--vault-name", vault) or []
    except SetupProblem as problem:
        # Nobody may any more, once the operator's role there is gone.
        say(f"{problem} Should the secret {secret} be in the existing vault {vault}, delete it there.")
        secrets = []
    if any(one["name"] == secret for one in secrets):
        yield Step(
            f"the secret {secret} in the existing vault {vault}",
            ("keyvault", "secret", "delete", "--vault-name", vault, "--name", secret),
        )
    yield from _given(known, place)


def _in_existing_namespace(known: Mapping[str, str]) -> Iterator[Step]:
    place = known.get("EXISTING_SERVICE_BUS_ID", "")
    found = _RESOURCE.match(place)
    if not found:
        return
    where = ("--namespace-name", found[3], "--resource-group", found[2], "--subscription", found[1])
    yield from _given(known, *(f"{place}/queues/{queue}" for queue in QUEUES))
    there = {one["name"] for one in az("servicebus", "queue", "list", *where) or []}
    for queue in QUEUES:
        if queue in there:
            yield Step(
                f"the queue {queue} in the existing namespace {found[3]}, with its messages",
                ("servicebus", "queue", "delete", "--name", queue, *where),
            )


def _given(known: Mapping[str, str], *places: str) -> Iterator[Step]:
    """The roles that the templates gave on what was there before."""
    ours = set(given_roles())
    meant = {place.casefold() for place in places}
    subscription = places[0].split("/")[2]
    for who in ("APP_OBJECT_ID", "OPERATOR_ID"):
        if not known.get(who):
            continue
        words = ("--all", "--assignee", known[who], "--subscription", subscription)
        for one in az("role", "assignment", "list", *words) or []:
            role = str(one["roleDefinitionId"]).rpartition("/")[2]
            if role in ours and str(one["scope"]).casefold() in meant:
                yield Step(
                    f"the role {one['roleDefinitionName']} of {known[who]} on {one['scope']}",
                    ("role", "assignment", "delete", "--ids", str(one["id"])),
                )


def _registration(known: Mapping[str, str]) -> Iterator[Step]:
    client = known.get("API_CLIENT_ID")
    if not client:
        return
    found = az("ad", "app", "list", "--filter", f"appId eq '{client}'") or []
    addresses = [address for one in found for address in (one.get("web") or {}).get("redirectUris") or []]
    ours = f"https://{known.get('FUNCTION_APP_NAME', '')}.azurewebsites.net{_CALLBACK}"
    if found and set(addresses) <= {ours}:
        yield Step(
            f"the registration {found[0]['displayName']} ({client})", ("ad", "app", "delete", "--id", client)
        )
    elif found:
        say(f"The registration {client} has other addresses, too, and stays. Take {ours} off it.")


def _organizations(known: Mapping[str, str]) -> list[str] | None:
    """Names of the organizations that know the app; None where the state does not tell."""
    try:
        found = versions(known.get("STATE_URL", ""))
    except (StateUnavailable, StateUrlError):
        return None
    if found.stored is None or found.stored != found.own:
        return None
    told = ask(_COMMAND, "organizations", "list", "--output", "json", known=known)
    try:
        return sorted({str(one["name"]) for one in json.loads(told.stdout)})
    except (ValueError, TypeError, KeyError):
        return None


def _tell_left(known: Mapping[str, str], organizations: list[str] | None) -> None:
    say("What is left, and is yours to remove:")
    if organizations is None:
        say("  In each Azure DevOps organization (the state does not tell which): the app's user, and the")
        say("  Container Mapping extension where it was installed.")
    for one in organizations or []:
        say(
            f"  https://dev.azure.com/{one}: the app's user (Organization settings > Users), and where it was"
        )
        say("    installed the Container Mapping extension (Organization settings > Extensions).")
    say("  Where people signed in for the app: their consent, under https://myapps.microsoft.com")
    say("  The identity of pipelines, where there is one: scripts/setup-deployment --remove")
    say(f"  Backups in {BACKUPS}/, and what azd knows: .azure/{known['AZURE_ENV_NAME']}")
    for name in ("EXISTING_KEY_VAULT_ID", "EXISTING_SERVICE_BUS_ID", "EXISTING_LOG_ANALYTICS_ID"):
        if known.get(name):
            say(f"  {known[name]}: was there before, and stays")


# --- the command line -------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """0 when it is done, 1 when it could not be, 2 for wrong options, 130 when it was broken off."""
    told = _parser().parse_args(arguments)
    options = Options(
        dry_run=getattr(told, "dry_run", False),
        backup=not getattr(told, "no_backup", False),
        unreleased=getattr(told, "unreleased", False),
        sure=getattr(told, "yes", False),
        wait=getattr(told, "wait", 0) * 60,
    )
    return ended(lambda: _do(told, options))


def _do(told: argparse.Namespace, options: Options) -> None:
    if told.command == "released":
        sys.stdout.write(f"{check_released()}\n")
        return
    known = values(told.environment)
    if told.command == "upgrade":
        upgrade(known, told.version, options)
    elif told.command == "rollback":
        rollback(known, told.version, options)
    elif told.command == "uninstall":
        uninstall(known, options)
    else:
        check(known, options)


def _minutes(told: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", told):
        raise argparse.ArgumentTypeError(f'"{told}" is no number of minutes, such as 10.')
    return float(told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/deployment",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    environment = argparse.ArgumentParser(add_help=False)
    environment.add_argument(
        "--environment", default="", metavar="NAME", help="environment of azd (the chosen one)"
    )
    changing = argparse.ArgumentParser(add_help=False, parents=[environment])
    changing.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    changing.add_argument("--no-backup", action="store_true", help="go on without a backup of the state")
    waiting = argparse.ArgumentParser(add_help=False)
    waiting.add_argument(
        "--wait", type=_minutes, default=10, metavar="MINUTES", help="how long the app may take (%(default)s)"
    )
    one = commands.add_parser("upgrade", parents=[changing, waiting], help="deploy a released version")
    one.add_argument("version", nargs="?", default="", metavar="VERSION", help="such as 0.5.0 (this tree's)")
    one.add_argument("--unreleased", action="store_true", help="deploy this tree though no tag is on it")
    one = commands.add_parser("rollback", parents=[changing, waiting], help="deploy an earlier version")
    one.add_argument("version", metavar="VERSION", help="such as 0.4.0")
    one = commands.add_parser("uninstall", parents=[changing], help="remove the deployment")
    one.add_argument("--yes", action="store_true", help="do not ask")
    commands.add_parser("released", help="whether this tree is a released version")
    commands.add_parser("check", parents=[environment, waiting], help="whether the app runs this tree")
    return parser


if __name__ == "__main__":
    sys.exit(main())
