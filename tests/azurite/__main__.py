"""`python -m tests.azurite`: a storage emulator that stays up until interrupted; prints how to reach it."""

from __future__ import annotations

import json
import signal
import sys

from tests.azurite.server import start

azurite = start()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
try:
    told = {
        "connectionString": azurite.connection_string,
        "tableEndpoint": azurite.table_endpoint,
        "stateUrl": azurite.url("adoconnector"),
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    azurite.process.wait()
except KeyboardInterrupt:
    pass
finally:
    azurite.stop()
