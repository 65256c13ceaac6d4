"""The root: where the endpoints are."""

from trunkline.dialects.base import Call
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.docs import LISTED, endpoints


@rapidpro.get("/.json", public=True, tag="Root")
async def list_endpoints(call: Call) -> dict[str, str]:
    """List the endpoints with their addresses."""
    known = endpoints(rapidpro)
    return {name: call.url(f"/{name}") for name in LISTED if name in known}
