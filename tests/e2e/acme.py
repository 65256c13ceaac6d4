"""A workspace in which every page has something to show: the demo world, and all that it leaves out.

It is filled as people fill it: by commands, by forms, by what phones and providers say.
"""

import base64
import contextlib
import hmac
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
from aiosmtpd.controller import Controller
from msgspec import Struct

from tests.e2e.flow_file import survey, written
from tests.e2e.house import PASSWORD, House, Workspace, port_free, running

PATIENCE_SECONDS = 60.0
UUID = "[0-9a-f-]{36}"
MESSAGE = r'"type":"message","id":(\d+),'


class Acme(Struct):
    """The workspace, those who sign in by name, and addresses by what they lead to."""

    house: House
    passwords: dict[str, tuple[str, str]]
    places: dict[str, str]


class Hand:
    """Somebody who is signed in and fills in forms."""

    def __init__(self, house: House, email: str, password: str = PASSWORD):
        self.web = httpx2.Client(base_url=house.url, headers={"Accept": "text/html"}, timeout=30)
        self.web.post("/login", data={"email": email, "password": password}, headers={"Origin": house.url})
        found = re.search(r'data-csrf="([^"]+)"', self.see("/me"))
        assert found, f"{email} could not sign in"
        self.token = found[1]
        self.web.headers["X-CSRF"] = self.token
        self.web.headers["Origin"] = house.url

    def see(self, path: str) -> str:
        return self.web.get(path).text

    def send(self, path: str, files: Any = None, **typed: Any) -> httpx2.Response:
        answer = self.web.post(path, data=typed, files=files)
        assert answer.status_code in (200, 303), f"{path} {typed}: {answer.status_code} {_refusal(answer.text)}"
        return answer

    def first(self, path: str, pattern: str) -> str:
        """The first thing on a page that looks like this."""
        shown = self.see(path)
        found = re.search(pattern, shown)
        assert found, f"{path} shows no {pattern}"
        return found[found.re.groups and 1]


@contextlib.contextmanager
def open_house(data: Path) -> Iterator[Acme]:
    """The installation with the workspace in it, until the block ends."""
    home = {"public_url": f"http://127.0.0.1:{port_free()}", "mail_from": "trunkline@acme.example"}
    with _outside() as outside, running(data, "--demo", smtp_url=outside.smtp, **home) as house:
        yield _filled(house, outside)


def _filled(house: House, outside: "Outside") -> Acme:
    owner = Hand(house, house.demo["email"], house.demo["password"])
    workspace = Workspace(house, house.demo["account"]["uuid"], house.demo["account"]["id"], house.demo["email"])
    places: dict[str, str] = {}
    for subject in (_content, _people, _campaigns, _flows, _settings, _phones, _agency, _readers):
        places |= subject(workspace, owner, outside)
    agent = workspace.member("agent", "Ivo Agent")
    passwords = {
        "owner": (house.demo["email"], house.demo["password"]),
        "agent": (agent, PASSWORD),
        "agency": ("agnes@harbour.example", PASSWORD),
        "careful": (_careful(workspace), PASSWORD),
    }
    return Acme(house, passwords, places)


def _content(workspace: Workspace, owner: Hand, outside: "Outside") -> dict[str, str]:
    del workspace, outside
    said = {
        "key": "order_update",
        "channel": "sms",
        "name": "Order update",
        "body": "Hi {{name}}, {{order}} is packed.",
    }
    owner.send("/content/templates", **said)
    letter = "<h1>Hello {{first_name}}</h1><p>The catalogue is here.</p>"
    owner.send("/content/templates", key="catalogue", channel="email", subject="Our catalogue", body=letter)
    for label in ("Praise", "Complaint", "Address change"):
        owner.send("/content/labels", name=label)
    for name, kind in (("Birthday", "datetime"), ("Shoe size", "number"), ("Depot", "text")):
        owner.send("/content/fields", label=name, type=kind, agent_access="edit")
    owner.send("/content/globals", name="Support number", value="+1 555 010 0001")
    owner.send("/content/globals", name="Shop", value="https://acme.example/shop")
    for topic in ("Billing", "Deliveries"):
        owner.send("/content/topics", name=topic)
    owner.send("/content/knowledge", kind="qa", question="When do you open?", answer="At nine, Monday to Friday.")
    owner.send(
        "/content/knowledge", kind="document", title="Returns", content="Parcels come back within 30 days. " * 20
    )
    owner.send("/content/knowledge", kind="document", title="Deliveries", content="We deliver until noon. " * 20)
    _until(lambda: owner.see("/content/knowledge").count("tag good") >= 3)
    shelves = ("templates", "canned", "tags", "labels", "fields", "globals", "topics")
    return {shelf: owner.first(f"/content/{shelf}", rf'href="(/content/{shelf}/[^"]+)"') for shelf in shelves}


def _people(workspace: Workspace, owner: Hand, outside: "Outside") -> dict[str, str]:
    del outside
    workspace.house.run("group", "create", "--account", workspace.uuid, "Gold", "--query", 'plan = "gold"')
    ana = owner.first("/contacts?search=Ana+Ionescu", r'href="(/contacts/\d+)"')
    owner.send(f"{ana}/notes", note="Prefers deliveries before noon; call the gate first.")
    owner.send("/contacts/choice/tags", tag="regular", id=ana.rpartition("/")[2])
    sheet = "Full Name,Mobile,E-mail,Shoe size\nMara Pop,+15550100901,mara@example.com,43\nOtto Falk,+15550100902,,41\n"
    readers = workspace.house.data / "readers.csv"
    readers.write_text("name,email\n" + "".join(f"{name},{mail}\n" for name, mail in READERS))
    workspace.house.run("contact", "import", "--account", workspace.uuid, "--tag", "newsletter", readers)
    answer = owner.send("/contacts/import", files={"file": ("people.csv", sheet, "text/csv")})
    imported = answer.headers["location"]
    columns = {f"column.{at}": kind for at, kind in enumerate(("name", "phone", "email", ""))}
    owner.send(imported, check="1", by="", **columns)
    _until(lambda: "nothing is written yet" in owner.see(imported))
    company = owner.first("/companies", r'href="(/companies/\d+)"')
    with workspace.api() as api:
        rows = api.get("/api/v1/conversations").json()["data"]
        talks = {row["contact"]["full_name"]: row["id"] for row in rows}
    said = f"/inbox/api/conversations/{talks['Grace Mwangi']}"
    talk = f"/inbox/{talks['Ana Ionescu']}"
    letter = f"/inbox/messages/{owner.first(said, MESSAGE)}/original"
    return {"contact": ana, "import": imported, "company": company, "conversation": talk, "letter": letter}


def _flows(workspace: Workspace, owner: Hand, outside: "Outside") -> dict[str, str]:
    line = workspace.channel(name="Acme Survey", address="+15550100004", **{"as": "sms"})
    file = written(workspace.house.data / "flows.json", survey(f"{outside.url}/parcels?key=7"))
    workspace.house.run("flow", "import", "--account", workspace.uuid, file)
    flow = owner.first("/flows", rf'href="(/flows/{UUID})"')
    number = owner.first("/flows/triggers", r'<option value="(\d+)"[^>]*>(?:<bdi>)?Delivery survey')
    owner.send("/flows/triggers", kind="keyword", keywords="survey, rate", match="first_word", flow=number)
    group = owner.first("/flows/sequences", r'<option value="(\d+)"')
    owner.send("/flows/triggers", kind="schedule", cron="0 9 * * 1", match="first_word", flow=number, group=group)
    people = [f"+1555010{1200 + n}" for n in range(12)]
    owner.send(f"{flow}/starts", addresses="\n".join(people))
    _until(lambda: owner.see("/flows/runs?responded=0").count("/flows/runs/") >= len(people))
    for at, phone in enumerate(people[:9]):
        workspace.hear(line, phone, ("good", "Bad", "good", "so so")[at % 4])
    _until(lambda: owner.see("/flows/runs").count("completed") >= 6)
    sequence = owner.send("/flows/sequences", name="First weeks", group=group).headers["location"]
    point = {"relative_to": "created_on", "unit": "days", "start_mode": "interrupt", "delivery_hour": "9"}
    message = {"what": "message", "message": "Welcome to Acme, @contact.first_name!", "language": "eng"}
    owner.send(sequence, distance="2", direction="after", **point, **message)
    owner.send(sequence, distance="14", direction="after", what="flow", flow=number, **point)
    return {
        "flow": flow,
        "run": owner.first("/flows/runs", rf'href="(/flows/runs/{UUID})"'),
        "sequence": sequence,
        "event": owner.first(sequence, rf'href="({sequence}/events/\d+)"'),
    }


def _campaigns(workspace: Workspace, owner: Hand, outside: "Outside") -> dict[str, str]:
    line = workspace.channel(name="Acme News", address="news@acme.example", **{"as": "email", "auto_dlr": "true"})
    sent = _campaign(owner, line["id"], "Spring sale")
    owner.send(f"{sent}/review")
    _until(lambda: "tag good" in owner.see(sent) and ">sent<" in owner.see(sent))
    mails = f"/c/simulator/{line['uuid']}/outbox"
    written = httpx2.get(workspace.house.url + mails, headers={"Authorization": f"Bearer {line['secret']}"})
    found = [re.findall(r"https?://[^/\"\s]+(/[lou]/[\w.~-]+)", str(mail)) for mail in written.json()["messages"]]
    outside.letters = found
    draft = _campaign(owner, line["id"], "Summer catalogue, by mail")
    gone = next(path for paths in found for path in paths if path.startswith("/u/"))
    return {"sent": sent, "draft": draft, "unsubscribe": gone}


def _readers(workspace: Workspace, owner: Hand, outside: "Outside") -> dict[str, str]:
    """Most open their mails, some follow a link: late enough for nobody to be taken for a machine."""
    del owner
    with httpx2.Client(base_url=workspace.house.url, headers={"User-Agent": BROWSER}) as person:
        for at, paths in enumerate(outside.letters):
            for path in paths:
                if (path.startswith("/o/") and at % 4) or (path.startswith("/l/") and at % 3 == 1):
                    person.get(path)
    return {}


def _campaign(owner: Hand, channel: int, name: str) -> str:
    """A mail that is written up to its last step."""
    made = owner.send("/campaigns/new", name=name, channel=channel).headers["location"].removesuffix("/audience")
    owner.send(f"{made}/audience", audience="all")
    letter = (
        "<h1>Hello {{first_name|friend}}</h1><p>Twenty per cent off everything until Sunday.</p>"
        '<p><a href="https://acme.example/sale">To the shop</a></p>'
    )
    written = {"subject": "Twenty per cent off, {{first_name|friend}}", "preview_text": "Until Sunday", "body": ""}
    owner.send(f"{made}/content", format="html", html=letter, **written)
    owner.send(f"{made}/schedule", when="now")
    return made


def _settings(workspace: Workspace, owner: Hand, outside: "Outside") -> dict[str, str]:
    for name, dialect in (("Warehouse", "portal"), ("Reports", "developer"), ("Surveys", "rapidpro")):
        workspace.house.run(
            "key",
            "create",
            "--account",
            workspace.uuid,
            "--user",
            workspace.email,
            "--dialect",
            dialect,
            "--name",
            name,
        )
    made = {}
    for name, path in (("Warehouse", "/told"), ("Old shop", "/broken")):
        shown = owner.send("/settings/webhooks/new", url=outside.url + path, description=name, profile="all")
        made[name] = re.search(r'"(/settings/webhooks/\d+)/', shown.text)[1]  # type: ignore[index]
    tries = [owner.send(f"{path}/test").headers["location"] for path in made.values()]
    _until(lambda: all("HTTP" in owner.see(path) or "tag" in owner.see(path) for path in tries))
    owner.send(
        "/settings/webhooks/account", url=f"{outside.url}/account", event=["new_contact", "new_message"], tags=""
    )
    owner.send("/settings/team", email="newcomer@acme.example", role="agent")
    httpx2.post(
        f"{workspace.house.url}/reset", data={"email": "mira@acme.example"}, headers={"Origin": workspace.house.url}
    )
    chat = workspace.channel("webchat", name="Website", address="acme.example", **WINDOW)
    channel = owner.first("/settings/channels", r'href="(/settings/channels/\d+)"')
    owner.send(f"{channel}/test", to="+15550100101", text="Does this number still work?")
    invitation = outside.token("newcomer@acme.example", "/invitation")
    reset = outside.token("mira@acme.example", "/reset/form")
    return {
        "webhook": made["Warehouse"],
        "delivery": tries[0],
        "failure": tries[1],
        "channel": channel,
        "chat": f"/chat/{chat['uuid']}",
        "invitation": invitation,
        "reset": reset,
    }


def _phones(workspace: Workspace, owner: Hand, outside: "Outside") -> dict[str, str]:
    del workspace, outside
    channels = dict(re.findall(r'<option value="(\d+)">(Acme [^·<]+)', owner.see("/phones")))
    by_name = {name.strip(): id for id, name in channels.items()}
    for name, channel, address, text in (
        ("Ana Ionescu", "Acme SMS", "+15550100101", "Thank you, see you on Thursday!"),
        ("Bogdan Marin", "Acme WhatsApp", "15550100102", "Here is the photo of the pallet."),
        ("Chidi Okafor", "Acme News", "chidi@initech.example", ""),
    ):
        owner.send("/phones", channel=by_name[channel], name=name, address=address)
        if text:
            phone = re.findall(r'id="phone-(\d+)"', owner.see("/phones"))[-1]
            owner.send(f"/phones/{phone}/messages", text=text)
    return {"mail": owner.first("/phones", r'src="(/phones/\d+/mails/\d+)"')}


def _agency(workspace: Workspace, owner: Hand, outside: "Outside") -> dict[str, str]:
    del owner, outside
    house = workspace.house
    made = house.run("account", "create", "Blue Harbour", "--kind", "agency")
    house.run(
        "user", "create", "agnes@harbour.example", "--account", made["uuid"],
        "--role", "owner", "--password", PASSWORD, "--name", "Agnes",
    )  # fmt: skip
    house.run("credits", "grant", 50_000, "--account", made["uuid"], "--description", "Yearly contract")
    agnes = Hand(house, "agnes@harbour.example")
    for name, monthly in (("Corner Bakery", 500), ("City Clinic", 2_000), ("Harbour Tours", 0)):
        email = f"office@{name.lower().replace(' ', '-')}.example"
        agnes.send("/agency/new", name=name, email=email, monthly=monthly, credits=1_200, first_name="", last_name="")
    return {"sub": agnes.first("/agency", r'href="(/agency/\d+)"')}


def _careful(workspace: Workspace) -> str:
    """Somebody who signs in with a second factor."""
    email = workspace.member("viewer", "Careful Cara")
    cara = Hand(workspace.house, email)
    secret = cara.first("/me/second-factor", r"secret=([A-Z2-7]+)")
    cara.send("/me/second-factor", code=_code(secret))
    return email


def _code(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, int(time.time() // 30).to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


class Outside:
    """The world around: a mailbox for everybody, and a site that is told things."""

    def __init__(self, url: str):
        self.url, self.smtp = url, ""
        self.mails: list[tuple[list[str], str]] = []
        self.letters: list[list[str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append((envelope.rcpt_tos, envelope.content.decode(errors="replace").replace("=\r\n", "")))
        return "250 OK"

    def token(self, to: str, path: str) -> str:
        """The address that stands in a mail to somebody."""
        found: list[str] = []

        def arrived() -> bool:
            texts = [text.replace("=3D", "=") for people, text in self.mails if to in people]
            found.extend(re.findall(rf"({path}\?token=[\w.~-]+)", " ".join(texts)))
            return bool(found)

        _until(arrived)
        return found[-1]


@contextlib.contextmanager
def _outside() -> Iterator[Outside]:
    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    outside = Outside(f"http://127.0.0.1:{site.server_port}")
    port = port_free()
    mailbox = Controller(outside, hostname="127.0.0.1", port=port)
    mailbox.start()
    outside.smtp = f"smtp://127.0.0.1:{port}?tls=none"
    try:
        yield outside
    finally:
        mailbox.stop()
        site.shutdown()
        site.server_close()


class Site(BaseHTTPRequestHandler):
    """Takes what it is told, except at /broken."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(503 if self.path.startswith("/broken") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""


def _until(holds: Callable[[], bool]) -> None:
    """Wait for the worker."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends, "the worker did not come that far"
        time.sleep(0.2)


BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
READERS = [
    (f"{first} {last}", f"{first}.{last}@readers.example".lower())
    for last in ("Berg", "Keller", "Nowak", "Rossi")
    for first in ("Alba", "Boris", "Cleo", "Dario", "Edda", "Fadi", "Greta", "Henri")
]
WINDOW = {"origins": "*", "title": "Acme", "greeting": "Hello! How can we help?"}


def _refusal(page: str) -> str:
    """What a page says about a form that it refuses."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<h1")[2])[:600].split())
