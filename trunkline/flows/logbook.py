"""The logbook: which events of a sprint people can read about afterwards, their secrets taken out."""

import re
from collections.abc import Sequence

from trunkline.core.http import redact
from trunkline.flows import events
from trunkline.flows.events import Event
from trunkline.flows.logs import Entry
from trunkline.flows.outcomes import Done
from trunkline.flows.stock import Stock

SECRET_LENGTH = 8
"""Globals this long and longer may be keys of others' programs; shorter ones would blacken half of a trace."""


def entries(stock: Stock, done: Sequence[Done]) -> list[Entry]:
    secrets = [one.value for one in stock.assets.globals.values() if len(one.value) >= SECRET_LENGTH]
    found: list[Entry] = []
    for one in done:
        if one.problem is not None:
            found.append(_entry(one, kind="failure", ok=False, text=str(one.problem)))
        for event in one.sprint.events if one.sprint else ():
            if not one.failed or isinstance(event, events.Failed):
                found += _of(one, event, secrets)
    return found


def _of(one: Done, event: Event, secrets: Sequence[str]) -> list[Entry]:
    match event:
        case events.WebhookCalled():
            return [_called(one, event, secrets)]
        case events.EmailSent():
            return [_entry(one, kind="email", text=f"To {', '.join(event.to)}: {event.subject}")]
        case events.LlmCalled():
            told = {"request": event.input, "response": event.output, "elapsed_ms": event.elapsed_ms}
            return [_entry(one, kind="llm", text=event.llm.name, **told)]
        case events.AirtimeCreated():
            return [_entry(one, kind="airtime", text=f"{event.amount} {event.currency} to {event.recipient}")]
        case events.Warned():
            return [_entry(one, kind="warning", ok=False, text=event.text, code=event.code or None)]
        case events.Erred():
            return [_entry(one, kind="error", ok=False, text=event.text, code=event.code or None)]
        case events.Failed():
            return [_entry(one, kind="failure", ok=False, text=event.text)]
    return []


def _called(one: Done, event: events.WebhookCalled, secrets: Sequence[str]) -> Entry:
    return _entry(
        one,
        kind="resthook" if event.resthook else "webhook",
        ok=event.status == "success",
        text=event.resthook,
        code=event.status,
        url=redact(event.url, secrets)[:2048],
        status=event.status_code or None,
        request=redacted(event.request, secrets),
        response=redacted(event.response, secrets),
        elapsed_ms=event.elapsed_ms,
    )


def redacted(trace: str, secrets: Sequence[str]) -> str:
    """A trace without what proves who we are, in headers by their names and anywhere by known values."""
    head, blank, body = trace.partition("\r\n\r\n")
    return redact(TELLING.sub(r"\1: ***", head) + blank + body, secrets)


def _entry(one: Done, **given: object) -> Entry:
    return Entry(flow_id=one.part.flow_id, contact_id=one.part.member.id, **given)  # type: ignore[arg-type]


TELLING = re.compile(
    r"^((?:proxy-)?authorization|(?:set-)?cookie|[\w-]*(?:api-?key|token|secret|signature)[\w-]*): .*?(?=\r?$)",
    re.IGNORECASE | re.MULTILINE,
)
