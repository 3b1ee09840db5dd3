"""`demo`: the whole product against a simulated Azure DevOps; nothing leaves this machine."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.hosting import host_of
from cli.interrupt import interruptible
from cli.once import Pass
from cli.output import OutputFormat, note, write_line
from cli.problems import CannotTell, ExitCode
from cli.progress import Progress
from cli.session import settings, using
from cli.summary import summarize, write_summary
from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, TenantId

if TYPE_CHECKING:
    from cli.simulated import SimulatedWorld
    from local.host import Host
    from shared.ports import ConnectorState
    from shared.wiring.runtime import Runtime
    from shared.wiring.settings import Settings

_NOT_HERE = (
    "The demo's state ends with it: the commands above are for organizations of your own, after "
    '"ado-connector run".'
)
_NEWCOMER = "newcomer"
_CHANGE_EVERY = 12.0


@click.command(
    cls=Command,
    answer=Answer(keys.DEMO, parts={"couldNotTell": keys.FINDING, "needsPerson": keys.FINDING}),
    examples=(
        "ado-connector demo",
        "ado-connector demo --once",
        "ado-connector demo --once --organizations 8 --projects 20 --repositories 10 --seed 7",
        "ado-connector demo --once --output json",
    ),
)
@click.option("--once", is_flag=True, help="End when all work is done, instead of going on until Ctrl-C.")
@click.option(
    "--organizations",
    type=click.IntRange(1, 500),
    metavar="N",
    default=4,
    show_default=True,
    help="Organizations in the world.",
)
@click.option(
    "--projects",
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=10,
    show_default=True,
    help="Projects in each of them.",
)
@click.option(
    "--repositories",
    type=click.IntRange(1, 1_000),
    metavar="N",
    default=6,
    show_default=True,
    help="Repositories in each project, on average.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    metavar="N",
    default=1,
    show_default=True,
    help="The same seed gives the same world.",
)
def demo(once: bool, organizations: int, projects: int, repositories: int, seed: int) -> int:
    """See the connector at work on a simulated Azure DevOps. It needs no account and no network.

    Organizations, projects and repositories arrive; then a new organization and a new repository appear and
    are found. At the end the inventory is compared with the simulated world: exit code 0 when they are equal
    and 2 when they are not.
    """
    from cli.simulated import SimulatedWorld  # noqa: PLC0415 - loads what makes requests

    with (
        interruptible(),
        TemporaryDirectory(prefix="ado-connector-demo-", ignore_cleanup_errors=True) as directory,
        SimulatedWorld(organizations, projects, repositories, seed) as world,
        using(_settings(Path(directory), world)) as runtime,
    ):
        return _show(runtime, world, once=once)


def _settings(directory: Path, world: SimulatedWorld) -> Settings:
    """Fast schedules, a state of its own, and nothing from the environment but how much is logged."""
    from shared.wiring.settings import Settings  # noqa: PLC0415 - heavy

    defaults: dict[str, Any] = {
        name: field.get_default(call_default_factory=True) for name, field in Settings.model_fields.items()
    }
    quickly = {
        f"{name}_schedule": f"{second}/5 * * * * *"
        for second, name in enumerate(
            (
                "discover_organizations",
                "refresh_prerequisites",
                "refresh_inventory",
                "refresh_extensions",
                "refresh_posture",
                "report_status",
            )
        )
    }
    return Settings(
        **{
            **defaults,
            **quickly,
            "state_url": f"sqlite:///{directory / 'state.db'}",
            "ado_gateway_url": world.url,
            "ado_pat": world.token,
            "inventory_interval": timedelta(seconds=5),
            "prerequisites_interval": timedelta(seconds=30),
            "not_onboarded_interval": timedelta(seconds=10),
            "extension_interval": timedelta(seconds=30),
            "posture_interval": timedelta(seconds=30),
            "log_level": settings().log_level,
        }
    )


def _show(runtime: Runtime, world: SimulatedWorld, *, once: bool) -> int:
    runtime.state.put_connector(
        Connector(
            id=ConnectorId(str(uuid.uuid4())),
            name="demo",
            tenant=TenantId("default"),
            mode=DiscoveryMode.EXISTING_AND_FUTURE,
            identity=IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),  # noqa: S106 - a setting's name
            created_at=runtime.clock.now(),
        )
    )
    with Progress(runtime.state) as progress:
        host = host_of(runtime, progress.say)
        first = Pass(runtime, host, everything=True, say=progress.doing)
        first.run()
        _appear(world, progress)
        Pass(runtime, host, everything=True, say=progress.doing).run()
        if not once:
            _go_on(host, world, progress)
            Pass(runtime, host, everything=True, say=progress.doing).run()
    return _tell(runtime, world, first)


def _appear(world: SimulatedWorld, progress: Progress) -> None:
    """Something new, to be found by the next discovery and the next listing."""
    name = min(world.organizations())
    project = world.projects(name)[0]
    progress.say(f'A new organization appears: "{_NEWCOMER}", with a project and a repository')
    world.change("add_organization", name=_NEWCOMER)
    world.change("add_project", organization=_NEWCOMER, name="First project")
    world.change("add_repository", organization=_NEWCOMER, project="First project", name="first-repository")
    progress.say(f'A new repository appears in "{name}", project "{project}": "brand-new"')
    world.change("add_repository", organization=name, project=project, name="brand-new")


def _go_on(host: Host, world: SimulatedWorld, progress: Progress) -> None:
    """Run on the schedules while the world changes, until Ctrl-C."""
    ended = threading.Event()
    changes = threading.Thread(
        target=_keep_changing, args=(world, progress, ended), name="world-changes", daemon=True
    )
    try:
        changes.start()
        progress.doing("Running on schedule; Ctrl-C ends it")
        host.run()
    except KeyboardInterrupt:
        progress.say("Stopping")
    finally:
        ended.set()
        if changes.is_alive():  # it is not where Ctrl-C came as it began
            changes.join()


def _keep_changing(world: SimulatedWorld, progress: Progress, ended: threading.Event) -> None:
    number = 1
    while not ended.wait(_CHANGE_EVERY):
        number += 1
        try:
            _change(world, progress, number)
        except CannotTell as problem:
            progress.say(problem.message)
            return


def _change(world: SimulatedWorld, progress: Progress, number: int) -> None:
    names = sorted(world.organizations())
    name = names[number % len(names)]
    kind = number % 4
    if kind == 0:
        newcomer = f"{_NEWCOMER}-{number}"
        progress.say(f'A new organization appears: "{newcomer}"')
        world.change("add_organization", name=newcomer)
        world.change("add_project", organization=newcomer, name="First project")
    elif kind == 1:
        progress.say(f'A new project appears in "{name}": "Project {number}"')
        world.change("add_project", organization=name, name=f"Project {number}")
    else:
        project = world.projects(name)[0]
        progress.say(f'A new repository appears in "{name}", project "{project}": "repository-{number}"')
        world.change("add_repository", organization=name, project=project, name=f"repository-{number}")


def _tell(runtime: Runtime, world: SimulatedWorld, first: Pass) -> int:
    truth = world.organizations()
    differences = _differences(runtime.state, world)
    summary = summarize(runtime, first.started)
    output = invocation().output
    write_summary(
        summary,
        output,
        {
            "world": {
                "equalsInventory": not differences,
                "differences": differences,
                "organizations": [
                    {"name": name, "projects": len(one.projects), "repositories": len(one.repositories)}
                    for name, one in sorted(truth.items())
                ],
            }
        },
    )
    verdict = (
        "The inventory differs from the simulated world:"
        if differences
        else "inventory equals the simulated world"
    )
    if output is OutputFormat.TABLE:
        write_line()
        write_line(verdict)
        for one in differences:
            write_line(f"- {one}")
        if summary.findings:
            write_line(_NOT_HERE)
    else:
        note(verdict)
    return ExitCode.UNKNOWN if differences else ExitCode.DONE


def _differences(state: ConnectorState, world: SimulatedWorld) -> list[str]:
    """Where the inventory is not what the world holds, by id."""
    found: list[str] = []
    truth = world.organizations()
    known = {one.name: one for one in state.organizations()}
    found += [f"organization {name} is not in the inventory" for name in sorted(truth.keys() - known.keys())]
    found += [f"organization {name} does not exist" for name in sorted(known.keys() - truth.keys())]
    for name in sorted(truth.keys() & known.keys()):
        organization, expected = known[name], truth[name]
        projects = {
            str(one.id)
            for one in state.projects(organization.id)
            if one.retired_at is None and one.missing_since is None
        }
        repositories = {
            str(one.id)
            for one in state.repositories(organization.id)
            if one.retired_at is None and one.missing_since is None
        }
        for what, mine, theirs, counted in (
            ("projects", projects, expected.projects, organization.projects),
            ("repositories", repositories, expected.repositories, organization.repositories),
        ):
            if mine != theirs or counted != len(theirs):
                found.append(
                    f"organization {name}: {len(mine)} {what} (counted {counted}) instead of {len(theirs)}"
                )
    return found
