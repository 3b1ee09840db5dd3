"""Run by tests in a process of its own, in the folder of a Functions app: prints its functions as JSON.

With `--everything`, it also imports every module that the folder holds.
"""

import importlib
import json
import pkgutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

import function_app

modules = ["function_app"]
if "--everything" in sys.argv:
    for folder in ("handlers", "shared"):
        package = importlib.import_module(folder)
        modules += [one.name for one in pkgutil.walk_packages(package.__path__, f"{folder}.")]
    for name in modules:
        importlib.import_module(name)


def plain(value: object) -> object:
    """Enumerations by their names."""
    return [plain(one) for one in value] if isinstance(value, list | tuple) else getattr(value, "name", value)


indexed = function_app.app.get_functions()
functions = {
    one.get_function_name(): [
        {key: plain(value) for key, value in binding.items()}
        for binding in one.get_bindings_dict()["bindings"]
    ]
    for one in indexed
}
answer = {
    "functions": functions,
    "documentation": {one.get_function_name(): one.get_user_function().__doc__ for one in indexed},
    "outside": [
        name for name in modules if not Path(str(sys.modules[name].__file__)).is_relative_to(Path.cwd())
    ],
    "modules": sorted(sys.modules),
    "python": sys.version_info[:2],
}
sys.stdout.write(json.dumps(answer))
