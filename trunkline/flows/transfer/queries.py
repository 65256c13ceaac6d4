"""The queries of imported groups."""

from datetime import UTC, datetime

from trunkline.contacts.query.inspecting import inspect
from trunkline.contacts.query.parsing import parse
from trunkline.expressions.environment import Environment


def fields_of(query: str) -> list[str]:
    """Keys of the fields that a query uses. Raises ValueError (a `QueryError`) if no group can be defined by it.

    Which fields there are is not asked: a word that is nothing else is a field, and will be created.
    """
    inspection = inspect(parse(query, Environment(), None, ANY_TIME))
    if not inspection.allow_as_group:
        raise ValueError("A group cannot be defined by what this query uses.")
    return [field.key for field in inspection.fields]


# It decides the century of years with two digits, which makes no difference to the fields.
ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
