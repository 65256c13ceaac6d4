"""The parts of uvicorn that serve. Its command line, which it loads with itself, stays out: 1.6 MiB for nothing."""

import sys
from types import ModuleType

if "uvicorn" not in sys.modules and "uvicorn.main" not in sys.modules:
    unused = ModuleType("uvicorn.main")
    unused.Server = unused.main = unused.run = None  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules["uvicorn.main"] = unused

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

__all__ = [
    "HIGH_WATER_LIMIT",
    "STATUS_LINE",
    "ASGI3Application",
    "Config",
    "HttpToolsProtocol",
    "RequestResponseCycle",
    "ServerState",
]
