"""Run on Python 3.13 in the folder of an app: the real Python worker library, told by lines of JSON.

The library takes messages by their attributes only, so objects with the attributes of its protobuf messages
do. First line out: the functions that the worker found. Then one line in, one line out, until the input ends.
"""

import asyncio
import importlib
import json
import logging
import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

runpy.run_path(str(Path(__file__).parents[1] / "azure" / "network.py"))["join_network"]()
worker: Any = importlib.import_module("azure_functions_runtime")  # not where type checkers look


class Name(str):
    """A constant, or the enumeration that it is of."""

    __slots__ = ()

    def __getattr__(self, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return Name(name)


class _Named(type):
    """Constants of an enumeration answer with their names."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return Name(name)


class Message(SimpleNamespace, metaclass=_Named):
    """A message with the fields that it was made with."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class Messages:
    """Makes message types as they are asked for."""

    class BindingInfo(Message):
        """Its directions are compared with numbers of the library for functions."""

        out, inout = 1, 2

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Named(name, (Message,), {})


class TypedData:
    """A value with its kind: string, bytes, json, int and so on."""

    def __init__(self, kind: str, value: object) -> None:
        self.kind = kind
        if kind == "bytes":
            value = bytes.fromhex(str(value))
        if kind == "http" and isinstance(value, dict):
            value = Message(**{**value, "body": TypedData("bytes", value["body"])})
        setattr(self, kind, value)

    def WhichOneof(self, _: str) -> str:  # noqa: N802 - the name in protobuf
        return self.kind


class Binding:
    """The data of one argument."""

    def __init__(self, name: str, data: TypedData) -> None:
        self.name, self.data = name, data

    def WhichOneof(self, _: str) -> str:  # noqa: N802 - the name in protobuf
        return "data"


def request(**body: Any) -> SimpleNamespace:
    """A request as the worker's dispatcher hands it on."""
    return SimpleNamespace(
        name=next(iter(body)),
        request=SimpleNamespace(**body),
        properties={"protos": Messages(), "host": "127.0.0.1"},
    )


def say(line: object) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()


def _told(returned: Any) -> object:
    """Status, headers and body that the function answers to a request; None for one that answers nothing."""
    http = getattr(returned, "http", None)
    if http is None:
        return None
    body = http.body.string if http.body.string is not None else http.body.bytes.decode()
    return {"status": int(http.status_code), "headers": dict(http.headers), "body": body}


async def serve() -> None:
    folder = str(Path.cwd())
    begun = await worker.worker_init_request(
        request(worker_init_request=Message(host_version="4", function_app_directory=folder, capabilities={}))
    )
    listed = await worker.functions_metadata_request(
        request(functions_metadata_request=Message(function_app_directory=folder))
    )
    found = {one.name: one for one in listed.function_metadata_results or []}
    loaded = {}
    for name, one in found.items():
        answer = await worker.function_load_request(
            request(function_load_request=Message(function_id=one.function_id, metadata=one))
        )
        loaded[name] = answer.result.status
    say(
        {
            "python": list(sys.version_info[:2]),
            "status": begun.result.status,
            "problem": str(begun.result.exception),
            "functions": {name: [json.loads(raw) for raw in one.raw_bindings] for name, one in found.items()},
            "loaded": loaded,
        }
    )
    for line in sys.stdin:
        wanted = json.loads(line)
        answer = await worker.invocation_request(
            request(
                invocation_request=Message(
                    invocation_id=wanted["id"],
                    function_id=found[wanted["function"]].function_id,
                    input_data=[Binding(wanted["binding"], TypedData(*wanted["data"]))],
                    trigger_metadata={key: TypedData(*value) for key, value in wanted["metadata"].items()},
                    trace_context=Message(trace_parent=wanted["trace"], trace_state="", attributes={}),
                    retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
                )
            )
        )
        problem = answer.result.exception
        say(
            {
                "status": answer.result.status,
                "message": problem.message if problem else "",
                "trace": problem.stack_trace if problem else "",
                "answer": _told(answer.return_value),
            }
        )


# What the app prints must not stand between the answers.
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
logging.disable(logging.NOTSET)
# The worker hands what is logged to the host.
logging.getLogger().addHandler(logging.StreamHandler())
worker.start_threadpool_executor()
sys.path.insert(0, str(Path.cwd()))
asyncio.run(serve())
worker.stop_threadpool_executor()
