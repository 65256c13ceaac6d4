"""Runs the snippets of the portal's documentation against a server, as their readers would: curl, Python, Node.

    python run.py BASE_URL KEY EMAIL_INTEGRATION WHATSAPP_INTEGRATION

Only what the snippets invent is replaced: host, key, and ids of integrations and messages. The account needs channels
for SMS, email, WhatsApp and voice, and the templates `appointment_reminder` (sms) and `delivery_update` (whatsapp).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent


class Exchange(NamedTuple):
    status: int
    body: Any


def run_all(base_url: str, key: str, *, email: int, whatsapp: int) -> dict[str, list[Exchange]]:
    """What each snippet got, in the order of its requests; people first, then what needs them."""
    given = {"http://localhost:8080": base_url.rstrip("/"), "<API_KEY>": key}
    by_mail = {**given, '"integration_id": 1,': f'"integration_id": {email},'}
    by_whatsapp = {**given, '"integration_id": 1,': f'"integration_id": {whatsapp},'}
    got = {
        "onboarding": _curl("onboarding.sh", given),
        "contacts": _node("contacts.mjs", given),
        "send_sms": _curl("send_sms.sh", given),
        "send_email": _curl("send_email.sh", by_mail),
        "send_whatsapp": _curl("send_whatsapp.sh", by_whatsapp),
        "send_batch": _curl("send_batch.sh", by_whatsapp),
        "initiate_call": _curl("initiate_call.sh", given),
        "campaign": _python("campaign.py.txt", given),
        "templates": _curl("templates.sh", given),
    }
    sent = [got[name][0].body["data"]["id"] for name in ("send_sms", "send_email", "send_whatsapp")]
    ids = {invented: str(id) for invented, id in zip(("12345", "12346", "12347"), sent, strict=True)}
    return {**got, "message_status": _curl("message_status.sh", {**given, **ids})}


def _curl(name: str, given: dict[str, str]) -> list[Exchange]:
    """curl tells the status after each body because its settings file says so: the snippet stays as it is."""
    with tempfile.TemporaryDirectory() as home:
        Path(home, ".curlrc").write_text(f'silent\nnoproxy = "*"\nwrite-out = "{PART}%{{http_code}}{END}"\n')
        told = _run(["sh", "-e", "-c", _filled(name, given)], CURL_HOME=home)
    parts = [part.split(PART) for part in told.split(END) if part.strip()]
    return [Exchange(int(status), json.loads(body) if body.strip() else None) for body, status in parts]


def _python(name: str, given: dict[str, str]) -> list[Exchange]:
    return _exchanges(_run([sys.executable, "-c", PYTHON_PRELUDE + _filled(name, given)], NO_PROXY="*"))


def _node(name: str, given: dict[str, str]) -> list[Exchange]:
    return _exchanges(_run(["node", "--input-type=module", "-e", NODE_PRELUDE + _filled(name, given)]))


def _filled(name: str, given: dict[str, str]) -> str:
    text = (HERE / name).read_text()
    for invented, real in given.items():
        text = text.replace(invented, real)
    return text


def _run(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")
    return done.stdout


def _exchanges(told: str) -> list[Exchange]:
    return [Exchange(*json.loads(line)) for line in told.splitlines() if line]


PART, END = "~~status:", "~~end~~"  # curl would take a leading @ for a file

# Both tell of each answer on a line of its own; the snippets themselves print nothing.
PYTHON_PRELUDE = """
import json, requests
_request = requests.Session.request
def request(self, *args, **kwargs):
    answer = _request(self, *args, **kwargs)
    print(json.dumps([answer.status_code, answer.json()]))
    return answer
requests.Session.request = request
"""
NODE_PRELUDE = """
const plain = globalThis.fetch;
globalThis.fetch = async (...args) => {
  const answer = await plain(...args);
  console.log(JSON.stringify([answer.status, await answer.clone().json()]));
  return answer;
};
"""

if __name__ == "__main__":
    host, api_key, mail_id, whatsapp_id = sys.argv[1:]
    for snippet, exchanges in run_all(host, api_key, email=int(mail_id), whatsapp=int(whatsapp_id)).items():
        print(snippet, [exchange.status for exchange in exchanges])
