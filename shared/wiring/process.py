"""Who this process is, and whether another one still runs: leases and message locks die with their holder.

An owner is `where/pid/started`. A process id alone would not do: it is given again, after a restart of the
machine even soon. Of a process elsewhere (another machine, another container) nothing can be told from here:
it counts as alive, and what it holds is freed when its time runs out.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

_PARTS = 3
_PROC = Path("/proc")


def process_owner() -> str:
    """The name of this process, as a holder of leases and locks."""
    return _owner_of(os.getpid())


def is_alive(owner: str, *, among_machines: bool = False) -> bool:
    """Whether the process of that name may still be running. False only when it surely is not.

    `among_machines` says that machines share what is held. Two of them may have the same name, so one of this
    name under another boot is then not taken for this one's past.
    """
    parts = owner.rsplit("/", _PARTS - 1)
    if len(parts) != _PARTS or not parts[1].isdigit():
        return True
    where, pid, started = parts
    here = _where()
    if where != here and among_machines:
        return True
    if where != here:
        # The same machine (or container) under an earlier boot: nothing of that time runs any more.
        host, boot, space = _where_parts(where)
        my_host, my_boot, my_space = _where_parts(here)
        return not (host == my_host and space == my_space and boot and my_boot and boot != my_boot)
    return _started(int(pid)) == started


def gone(owners: Iterable[str], *, among_machines: bool = False) -> tuple[str, ...]:
    """Those of the owners whose processes surely do not run any more; see `is_alive`."""
    return tuple(
        owner for owner in set(owners) if owner and not is_alive(owner, among_machines=among_machines)
    )


@lru_cache(maxsize=1)
def _owner_of(pid: int) -> str:
    return f"{_where()}/{pid}/{_started(pid)}"


@lru_cache(maxsize=1)
def _where() -> str:
    """Machine, boot, and the space in which process ids count (containers have their own)."""
    boot, space = "", ""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")[:12]
        space = str((_PROC / "self/ns/pid").readlink()).removeprefix("pid:").strip("[]")
    except OSError:
        pass  # not Linux: the start times of processes tell boots apart well enough
    return f"{socket.gethostname().replace('/', '-')},{boot},{space}"


def _where_parts(where: str) -> tuple[str, str, str]:
    host, boot, space = (*where.rsplit(",", 2), "", "")[:3]
    return host, boot, space


def _started(pid: int) -> str:
    """When the process started, in whatever terms the system has; empty when there is no such process."""
    if os.name == "nt":
        return _started_on_windows(pid)
    if (_PROC / "self/stat").exists():
        try:
            # The second field is the program's name, in parentheses, and may hold anything.
            fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        state, started = fields[0], fields[19]
        return "" if state in {"Z", "X"} else started
    answer = subprocess.run(  # noqa: S603 - a number is all that varies
        ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607 - where ps is differs between systems
        capture_output=True,
        check=False,
        text=True,
        # In one time zone: a machine that travels would see its own processes start at other times.
        env={"LC_ALL": "C", "PATH": "/bin:/usr/bin", "TZ": "UTC"},
    )
    return "-".join(answer.stdout.split())


if sys.platform == "win32":

    def _started_on_windows(pid: int) -> str:
        import ctypes  # noqa: PLC0415 - on Windows only
        from ctypes import wintypes  # noqa: PLC0415

        query_limited_information, still_active = 0x1000, 259
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        process = wintypes.HANDLE(kernel.OpenProcess(query_limited_information, False, pid))  # noqa: FBT003
        if process.value is None:
            return ""
        try:
            code = wintypes.DWORD()
            times = [wintypes.FILETIME() for _ in range(4)]
            if not kernel.GetExitCodeProcess(process, ctypes.byref(code)) or code.value != still_active:
                return ""
            if not kernel.GetProcessTimes(process, *(ctypes.byref(one) for one in times)):
                return ""
            return str((times[0].dwHighDateTime << 32) + times[0].dwLowDateTime)
        finally:
            kernel.CloseHandle(process)

else:

    def _started_on_windows(pid: int) -> str:
        raise NotImplementedError(pid)
