"""Run by test_packaging.py on Python 3.13, in the folder of an app: the real Python worker runs it.

The worker library speaks protobuf messages by their attributes only, so objects with the same attributes do.
Prints what the worker answered as JSON.
"""

import asyncio
import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

worker: Any = importlib.import_module("azure_functions_runtime")  # not where type checkers look


class _Named(type):
    """Constants of an enumeration answer with their names."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class Messages:
    """Makes message types as they are asked for."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Named(name, (Message,), {})


class Message(SimpleNamespace, metaclass=_Named):
    """A message with the fields that it was made with."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class OneOf:
    """A message that holds one of several kinds of value."""

    name = ""

    def __init__(self, kind: str, value: object) -> None:
        self.kind = kind
        setattr(self, kind, value)

    def WhichOneof(self, _: str) -> str:  # noqa: N802 - the name in protobuf
        return self.kind


def request(**body: Any) -> SimpleNamespace:
    """A request as the worker's dispatcher hands it on."""
    return SimpleNamespace(
        name=next(iter(body)),
        request=SimpleNamespace(**body),
        properties={"protos": Messages(), "host": "127.0.0.1"},
    )


async def drive(invocations: list[dict[str, Any]]) -> dict[str, Any]:
    """Load the app and run its functions."""
    folder = str(Path.cwd())
    begun = await worker.worker_init_request(
        request(worker_init_request=Message(host_version="4", function_app_directory=folder, capabilities={}))
    )
    listed = await worker.functions_metadata_request(
        request(functions_metadata_request=Message(function_app_directory=folder))
    )
    found = {one.name: one for one in listed.function_metadata_results or []}
    runs = []
    for wanted in invocations:
        metadata = {key: OneOf("json", json.dumps(value)) for key, value in wanted["metadata"].items()}
        bound = OneOf("data", OneOf(wanted["kind"], wanted["data"]))
        bound.name = wanted["binding"]
        answer = await worker.invocation_request(
            request(
                invocation_request=Message(
                    invocation_id="1",
                    function_id=found[wanted["function"]].function_id,
                    input_data=[bound],
                    trigger_metadata=metadata,
                    trace_context=Message(trace_parent="", trace_state="", attributes={}),
                    retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
                )
            )
        )
        problem = answer.result.exception
        runs.append([answer.result.status, problem.message if problem else ""])
    return {
        "status": begun.result.status,
        "problem": str(begun.result.exception),
        "functions": {name: [json.loads(raw) for raw in one.raw_bindings] for name, one in found.items()},
        "runs": runs,
    }


worker.start_threadpool_executor()
sys.path.insert(0, str(Path.cwd()))
told = asyncio.run(drive(json.loads(sys.argv[1])))
worker.stop_threadpool_executor()
sys.stdout.write(json.dumps(told))
