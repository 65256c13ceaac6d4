"""What can be wrong with a flow definition."""

from trunkline.core.errors import TrunklineError


class InvalidFlow(TrunklineError):
    """A definition that does not load. `path` leads to the fault: `nodes[0].actions[2].text`; "" when unknown."""

    code = "flow"

    def __init__(self, message: str, path: str = ""):
        super().__init__(f"{message} (at {path})" if path else message, path=path)
        self.path = path


class UnsupportedVersion(TrunklineError):
    """A definition of a version that we neither run nor migrate."""

    code = "version"
