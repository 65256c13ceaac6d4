"""Sends the requests of the connector's documentation to a server, as their readers would: with curl.

    python run.py BASE_URL KEY LIST_ID CAMPAIGN_ID [AGENCY_KEY]

A snippet is a request line, headers, a blank line and a body. Only what the snippets invent is replaced: host, key,
ids, and the addresses that the page hides. The account needs a list and a custom channel called `my-channel`; the
agency has credits and a sub-account client@example.com.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
HIDDEN = "[email\u00a0protected]"


class Exchange(NamedTuple):
    status: int
    body: Any


def run_all(
    base_url: str, key: str, *, list_id: str, campaign_id: str, agency_key: str | None = None
) -> dict[str, Exchange]:
    """What each snippet got; the contact comes first, since others need it."""
    given = {"https://api.example.com": base_url.rstrip("/"), "YOUR_API_KEY": key, "LIST_ID": list_id}
    by_mail = {**given, HIDDEN: "jane@example.com"}
    got = {"create_contact": _send("create_contact", by_mail)}
    contact = {**given, "abc123xyz": got["create_contact"].body["id"]}
    got["add_to_list"] = _send("add_to_list", contact)
    got["send_message"] = _send("send_message", {**given, "optional-campaign-id": campaign_id})
    got["receive_message"] = _send("receive_message", given)
    if agency_key:
        by_agency = {**given, "YOUR_API_KEY": agency_key, HIDDEN: "client@example.com"}
        got["grant_credits"] = _send("grant_credits", by_agency)
    return got


def _send(name: str, given: dict[str, str]) -> Exchange:
    text = (HERE / f"{name}.http.txt").read_text()
    for invented, real in given.items():
        text = text.replace(invented, real)
    head, _, body = text.partition("\n\n")
    (first, *headers) = head.splitlines()
    method, url = first.split(" ")
    command = ["curl", "--silent", "--noproxy", "*", "--write-out", "\n%{http_code}", "--request", method, url]
    for header in headers:
        command += ["--header", header]
    done = subprocess.run(
        [*command, "--data-raw", body], env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(f"curl failed: {done.stderr}")
    answer, _, status = done.stdout.rpartition("\n")
    return Exchange(int(status), json.loads(answer))


if __name__ == "__main__":
    host, api_key, a_list, a_campaign, *an_agency = sys.argv[1:]
    found = run_all(
        host, api_key, list_id=a_list, campaign_id=a_campaign, agency_key=an_agency[0] if an_agency else None
    )
    for snippet, exchange in found.items():
        print(snippet, exchange.status, exchange.body)
