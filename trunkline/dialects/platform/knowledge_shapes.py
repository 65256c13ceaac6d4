"""What documents of the knowledge base look like on the platform's wire."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.dialects.base import Moment, moment
from trunkline.knowledge import listing
from trunkline.knowledge.documents import MOST_TEXT, Document, Kind, Stage
from trunkline.knowledge.listing import Status

Title = Annotated[str, Meta(min_length=1, max_length=500, examples=["Return Policy"])]
Content = Annotated[str, Meta(min_length=1, max_length=MOST_TEXT, examples=["Goods may be returned within 30 days."])]
Question = Annotated[str, Meta(min_length=1, max_length=1000, examples=["How long may I return goods?"])]
Text = Annotated[str, Meta(min_length=1, max_length=100_000, examples=["For 30 days."])]
Category = Annotated[str, Meta(max_length=255)]
Address = Annotated[str, Meta(min_length=1, max_length=2048, examples=["https://example.com/help"])]


class DocumentQuery(Struct):
    """`search` finds parts of titles, questions and texts. An unknown `sort_by` means created_at."""

    search: str | None = None
    type: str | None = None
    status: str | None = None
    category: str | None = None
    sort_by: str = "created_at"
    sort_dir: str = "desc"


class DocumentIn(Struct):
    """With a file it is of type file. Otherwise `type` says what is needed: document needs `content`, which may be
    HTML, qa `question` and `answer`, url `source_url`. Without a `type` it follows from what is there.
    """

    title: Title
    type: Kind | None = None
    content: Content | None = None
    question: Question | None = None
    answer: Text | None = None
    source_url: Address | None = None
    category: Category | None = None
    is_priority: bool = False


class DocumentChanges(Struct):
    """What is left out stays. `status` is paused for a document that answers shall not use, ready to use it again."""

    title: Title | UnsetType = UNSET
    content: Content | UnsetType = UNSET
    question: Question | UnsetType = UNSET
    answer: Text | UnsetType = UNSET
    category: Category | None | UnsetType = UNSET
    is_priority: bool | UnsetType = UNSET
    status: Literal["ready", "paused"] | UnsetType = UNSET


class ScrapeIn(Struct):
    """Without a `title` the document is called like the page, or like its host if the page has no title."""

    url: Address
    title: Annotated[str, Meta(max_length=500)] | None = None
    category: Category | None = None


class DocumentOut(Struct):
    """`status` becomes ready or failed; `error_message` then says why. `stage` tells how far the work has come.
    `content`, the text that was written or read, is there when a single document is asked for.
    """

    id: int
    uuid: UUID
    type: Kind
    title: str
    question: str | None
    answer: str | None
    category: str | None
    is_priority: bool
    file_name: str | None
    file_type: str | None
    file_size: int | None
    source_url: str | None
    status: Status
    stage: Stage | Literal["paused"]
    error_message: str | None
    chunks_count: int
    usage_count: int
    created_at: Moment
    updated_at: Moment
    content: str | None | UnsetType = UNSET


def listed(row: Document) -> DocumentOut:
    status = listing.status(row)
    return DocumentOut(
        row.id, row.uuid, row.kind, row.title, row.question, row.answer, row.category, row.is_priority,
        row.file_name, row.file_type, row.file_size, row.source_url,
        status, "paused" if status == "paused" else row.stage, row.error_message,
        row.chunks_count, row.usage_count, moment(row.created_at), moment(row.updated_at),
    )  # fmt: skip


def document(row: Document) -> DocumentOut:
    told = listed(row)
    told.content = row.content
    return told
