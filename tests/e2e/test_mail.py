"""A real mail: from a customer through Postfix to two browsers, and the answer into the customer's mailbox."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.house import NUMBERS, Workspace
from tests.peers import office as post_office
from tests.peers import wait_for_port
from tests.peers.office import Office, letter

AT_ONCE = 10_000
"""What is seen within a second on a machine that does nothing else."""

PDF = b"%PDF-1.4 12 lei"


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with post_office.running() as office:
        yield office


def test_two_browsers_receive_and_answer_one_real_mail(workspace: Workspace, visit: Any, office: Office) -> None:
    shop, zoe = connect(workspace, office, "in.test"), f"zoe{next(NUMBERS)}@x.test"
    ana_page: Page = visit(workspace.email, "/inbox")
    bogdan_page: Page = visit(workspace.member(name="Bogdan"), "/inbox")
    pages = {"Ana": ana_page, "Bogdan": bogdan_page}
    for page in pages.values():
        expect(page.locator("body")).to_have_attribute("data-heard", "yes")

    question = letter(f"Zoë Pop <{zoe}>", shop, "Order 7", "Where is it?", message_id=f"<q{next(NUMBERS)}@x.test>")
    post(office, question, zoe, shop)
    left = monotonic()
    for name, page in pages.items():
        expect(page.locator(".row")).to_contain_text("Zoë Pop", timeout=AT_ONCE)
        print(f"{name} sees the mail {monotonic() - left:.2f} s after the relay had it")
    for page in pages.values():
        page.locator(".row").click()
        expect(page.locator(".entry.in .text")).to_have_text("Where is it?")
        expect(page.locator(".thread .top")).to_contain_text("Order 7")
    collide(ana_page, bogdan_page)

    [answer] = office.wait_for(zoe)
    assert (answer.subject, answer.from_, answer.text.strip()) == ("Re: Order 7", shop, "It left on Monday.")
    assert answer.headers["in-reply-to"] == (question["Message-ID"],)
    assert question["Message-ID"] in answer.headers["references"][0]
    expect(ana_page.locator(".entry.out .state .icon")).to_have_attribute("aria-label", re.compile("Sent|Delivered"))

    said_id = answer.headers["message-id"][0]
    thanks = letter(f"Zoë Pop <{zoe}>", shop, "Re: Order 7", "Thank you!", in_reply_to=said_id, references=said_id)
    post(office, thanks, zoe, shop)
    for page in pages.values():
        expect(page.locator(".entry.in .text").last).to_have_text("Thank you!", timeout=AT_ONCE)
        expect(page.locator(".row")).to_have_count(1)


def test_a_mail_with_a_file_is_read_whole_and_answered_with_another(
    workspace: Workspace, visit: Any, office: Office
) -> None:
    shop, zoe = connect(workspace, office, "desk.test"), f"zoe{next(NUMBERS)}@x.test"
    page: Page = visit(workspace.email, "/inbox")
    mail = letter(zoe, shop, "My <b>bill</b>", "See the file.")
    mail.add_alternative("<h1>See the file</h1><script>document.title = 'ran'</script>", subtype="html")
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="<svg onload=ran=1> \u202efdp.exe")

    post(office, mail, zoe, shop)
    page.locator(".row", has_text="See the file").click(timeout=AT_ONCE)
    expect(page.locator(".entry .file bdi")).to_contain_text("fdp.exe")
    assert page.locator("svg[onload]").count() == 0
    page.get_by_text("Show original").click()
    expect(page.frame_locator(".entry iframe").locator("h1")).to_have_text("See the file")
    page.locator(".composer input[type=file]").set_input_files(
        {"name": "corrected.pdf", "mimeType": "application/pdf", "buffer": PDF}
    )
    expect(page.locator(".composer .files")).to_contain_text("corrected.pdf")
    page.fill(".composer textarea", "Here is the right one.")
    page.press(".composer textarea", "Control+Enter")

    [answer] = office.wait_for(zoe)
    assert re.search(r"Here is the right one\.\s+corrected\.pdf: http\S+/corrected\.pdf", answer.text)
    assert "ran" not in page.title()


def collide(ana: Page, bogdan: Page) -> None:
    """Both look, both write, one takes it over and answers; the other is told at each step."""
    expect(ana.locator(".present")).to_contain_text("Bogdan looks at this too.", timeout=AT_ONCE)
    ana.fill(".composer textarea", "I will look.")
    expect(bogdan.locator(".present")).to_contain_text("Ana is answering now.", timeout=AT_ONCE)
    bogdan.locator(".present").get_by_text("Take over").click()
    bogdan.fill(".composer textarea", "It left on Monday.")
    expect(ana.locator(".present")).to_contain_text("Bogdan is answering now.", timeout=AT_ONCE)

    bogdan.press(".composer textarea", "Control+Enter")
    expect(ana.locator(".entry.out .text")).to_have_text("It left on Monday.", timeout=AT_ONCE)
    expect(ana.locator(".composer textarea")).to_be_editable(timeout=AT_ONCE)
    ana.press(".composer textarea", "Control+Enter")
    warning = ana.locator(".notice.bad")
    expect(warning).to_contain_text("Bogdan answered in the meantime. Your reply was not sent.")
    warning.get_by_text("Edit").click()
    expect(ana.locator(".composer textarea")).to_have_value("I will look.")


def connect(workspace: Workspace, office: Office, domain: str) -> str:
    """A mail channel whose own door stands open; its address. in.test comes by LMTP, desk.test by SMTP."""
    address = f"shop{next(NUMBERS)}@{domain}"
    listen, port = (office.listen, office.lmtp_port) if domain == "in.test" else (office.desk, office.smtp_port)
    relay = {"host": "127.0.0.1", "port": office.relay.port, "tls": "none"}
    door = {"listen": listen, "inbound_domain": domain, "bounce_domain": domain}
    workspace.channel("smtp", name="Shop", address=address, **relay, **door, **{"from": address, "from_name": "Shop"})
    wait_for_port(port, lambda: office.relay.log)
    return address


def post(office: Office, mail: EmailMessage, sender: str, to: str) -> None:
    post_office.post(office.relay.port, mail.as_bytes(policy=SMTP), sender, [to])
