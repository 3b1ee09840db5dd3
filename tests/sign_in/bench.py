"""Both simulators side by side, and the app's command line in processes of its own between them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from local.ado_simulator import Simulator, World, generate_world
from local.entra_simulator import Directory, EntraSimulator, Tenant, User
from shared.connector_state import open_state
from shared.ports import State
from tests.sign_in.bearer_tokens import PublishedKeys

ROOT = Path(__file__).parent.parent.parent
ANA = "ana@contoso.example"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Bench:
    """A world whose demo user is Ana, a person of its tenant."""

    folder: Path
    world: World = field(default_factory=lambda: generate_world(5, 3, 2, 2))
    directory: Directory = field(default_factory=Directory)
    more: dict[str, str] = field(default_factory=dict)
    """Further settings of the commands."""
    told: list[str] = field(default_factory=list)
    """Everything that commands wrote."""

    def __post_init__(self) -> None:
        self.tenant: Tenant = self.directory.add_tenant("contoso.example", id=self.world.tenant)
        self.ana: User = self.directory.add_user(ANA, self.tenant, object_id=self.world.identity.origin_id)

    def __enter__(self) -> Self:
        self.entra = EntraSimulator(self.directory).__enter__()
        tokens = PublishedKeys(self.entra.keys_url, self.entra.authority_file)
        self.ado = Simulator(self.world, bearer_tokens=tokens).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ado.stop()
        self.entra.__exit__(None, None, None)

    @property
    def environment(self) -> dict[str, str]:
        """Settings of the commands."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADO_", "AZURE_"))}
        return {
            **kept,
            "STATE_URL": f"sqlite:///{self.folder / 'state.db'}",
            "XDG_CONFIG_HOME": str(self.folder / "configuration"),
            "ADO_GATEWAY_URL": self.ado.url,
            "AZURE_AUTHORITY_HOST": self.entra.url,
            "REQUESTS_CA_BUNDLE": str(self.entra.authority_file),
            "LOG_LEVEL": "debug",
            **self.more,
        }

    def state(self) -> State:
        """The state that the commands share."""
        return open_state(self.environment["STATE_URL"])

    def ado_connector(
        self, *arguments: str, code: int | None = 0, watch: Callable[[str], None] | None = None, **env: str
    ) -> Ended:
        """Run a command to its end; `watch` sees each line of stderr as it comes."""
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=ROOT,
            env={**self.environment, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        errors: list[str] = []

        def read() -> None:
            for line in process.stderr or ():
                errors.append(line)
                if watch is not None:
                    watch(line)

        reader = threading.Thread(target=read)
        reader.start()
        out = process.stdout.read() if process.stdout is not None else ""
        process.wait(timeout=100)
        reader.join()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        ended = Ended(process.returncode, out, "".join(errors))
        self.told.append(ended.out + ended.err)
        assert "Traceback" not in ended.err, ended.err
        if code is not None:
            assert ended.code == code, ended
        return ended

    def approving(self, user: User | None = None) -> Callable[[str], None]:
        """Enters the code that a command shows."""

        def watch(line: str) -> None:
            shown = re.search(r"enter the code (\S+)\.", line)
            if shown is not None:
                self.directory.approve(shown[1], user or self.ana)

        return watch

    def browser(self) -> str:
        """A browser that does what pages say, for the BROWSER setting."""
        program = self.folder / "browser.py"
        program.write_text(_BROWSER)
        return f"{sys.executable} {program} %s"

    def create(self, *arguments: str) -> Ended:
        """A connector of Ana, who signs in with a device code."""
        return self.ado_connector(
            *("connector", "create", "--name", "contoso", "--auth", "user", "--device-code"),
            *("--tenant", self.tenant.id, *arguments),
            watch=self.approving(),
        )

    def connector(self) -> dict[str, Any]:
        """The connector as `connector show` tells it."""
        shown: dict[str, Any] = self.ado_connector("connector", "show", "contoso", "--output", "json").json
        return shown

    def everything_kept(self) -> bytes:
        """Every file there is, but the key and our browser, and everything that was written."""
        files = [
            path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name not in {"token.key", "browser.py"}
        ]
        return b"\n".join([*files, *(text.encode() for text in self.told)])


_BROWSER = """import re, ssl, sys, os, urllib.parse, urllib.request
context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
page = urllib.request.urlopen(sys.argv[1], context=context).read().decode()
form = re.search(r'action="([^"]+)"', page)
if form:
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    urllib.request.urlopen(form[1], urllib.parse.urlencode(fields).encode()).read()
"""
