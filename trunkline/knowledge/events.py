"""What happens to documents of the knowledge base."""

from trunkline.core.events import Event


class DocumentSubmitted(Event, frozen=True):
    """It is new, or its text or title is: it waits to be read and cut into chunks."""

    type = "document.submitted"

    id: int
    revision: int


class DocumentSettled(Event, frozen=True):
    """It can be found now (ready), or it cannot be read (failed)."""

    type = "document.settled"

    id: int
    status: str


class DocumentChanged(Event, frozen=True):
    """Its category or priority is another one, or it was paused or resumed."""

    type = "document.changed"

    id: int


class DocumentDeleted(Event, frozen=True):
    """`file_key` names the file that nobody needs any more."""

    type = "document.deleted"

    id: int
    file_key: str | None
