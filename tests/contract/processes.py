"""Starting workers in other processes and on threads, and letting them race."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


@contextmanager
def worker(job: str, url: str, name: str = "", count: int = 0) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "tests.contract.workers", job, url, name, str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def answer(process: subprocess.Popen[str]) -> object:
    line = pipe(process.stdout).readline()
    assert line, "the worker failed; its traceback is above"
    return json.loads(line)


def go(process: subprocess.Popen[str]) -> None:
    pipe(process.stdin).write("go\n")
    pipe(process.stdin).flush()


def race_processes(job: str, url: str, *, workers: int = 4, count: int) -> list[object]:
    """Start the workers, let them go together, and return what each tells."""
    with ThreadPoolExecutor(workers) as pool:
        barrier = threading.Barrier(workers)

        def run(number: int) -> object:
            with worker(job, url, f"w{number}", count) as process:
                assert pipe(process.stdout).readline() == "ready\n"
                barrier.wait(timeout=60)
                go(process)
                told = answer(process)
                assert process.wait(timeout=60) == 0
                return told

        return list(pool.map(run, range(workers)))


def race_threads(doing: Callable[[int], T], *, workers: int = 8) -> Sequence[T]:
    barrier = threading.Barrier(workers)

    def run(number: int) -> T:
        barrier.wait(timeout=60)
        return doing(number)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(workers)))
