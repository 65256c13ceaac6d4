"""The expressions of legacy flows in today's dialect: `@flow.age` is `@results.age`, `LEN(x)` is `text_length(x)`.

The old dialect is that of spreadsheets: `<>` for unequal, `""` for a quote inside of a text, names of functions in
capitals, counting from one, and a `+` that adds days to dates.
"""

from trunkline.flows.migrations.legacy.dialect.parsing import Unreadable, as_expression
from trunkline.flows.migrations.legacy.dialect.templates import as_template

__all__ = ["Unreadable", "as_expression", "as_template"]
