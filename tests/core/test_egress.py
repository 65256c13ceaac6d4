"""What tenants may reach, and what only the operator can open."""

import asyncio
import socket
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.egress import MAIL_PORTS, BadUrl, Egress, Refused

# fmt: off
PRIVATE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.1",
    "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1",
    "5f00::1", "fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]
# fmt: on
SPECIAL = [ip_network(text) for text in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "fc00::/7")]


@pytest.mark.parametrize("ip", PRIVATE)
def test_addresses_that_are_not_public_are_refused(ip):
    with pytest.raises(Refused, match="TRUNKLINE_EGRESS_ALLOW") as refusal:
        Egress().judge(ip, 443)

    assert refusal.value.code == "address_refused"


@pytest.mark.parametrize("ip", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_pass(ip):
    Egress().judge(ip, 443)


@given(st.sampled_from(SPECIAL).flatmap(lambda network: st.ip_addresses(network=network)))
def test_no_address_of_a_private_range_passes_in_any_spelling(address):
    spellings = [str(address)]
    if address.version == 4:
        spellings += [f"::ffff:{address}", str(ip_address(int(ip_address("64:ff9b::")) + int(address)))]

    for spelling in spellings:
        with pytest.raises(Refused):
            Egress().judge(spelling, 443)


def test_ports_depend_on_the_purpose():
    egress = Egress()

    egress.judge("8.8.8.8", 587, ports=MAIL_PORTS)
    with pytest.raises(Refused, match="Port 25"):
        egress.judge("8.8.8.8", 25)


@pytest.mark.parametrize(
    ("entry", "ip", "port", "host"),
    [
        ("127.0.0.1", "127.0.0.1", 5432, ""),
        ("127.0.0.1:9000", "127.0.0.1", 9000, ""),
        ("10.0.0.0/8", "10.1.2.3", 25, "mail.corp"),
        ("10.0.0.0/8:9000", "10.1.2.3", 9000, ""),
        ("intra.corp", "10.1.2.3", 1234, "Intra.Corp."),
        ("intra.corp:1234", "10.1.2.3", 1234, "intra.corp"),
        ("[::1]:9000", "::1", 9000, ""),
        ("fd00::/8", "fd00::5", 1, ""),
        ("[fd00::/8]:9000", "fd00::5", 9000, ""),
        ("127.0.0.0/8", "::ffff:127.0.0.1", 80, ""),
    ],
)
def test_the_operator_opens_one_target_and_no_other(entry, ip, port, host):
    egress = Egress([entry])

    egress.judge(ip, port, host)
    with pytest.raises(Refused):
        egress.judge("192.168.7.7", port, "other.corp")
    if ":9000" in entry or ":1234" in entry:
        with pytest.raises(Refused):
            egress.judge(ip, port + 1, host)


@pytest.mark.parametrize("entry", ["a b", "10.0.0.0/99", "host:0", "host:99999", "host:http", "[::1", "http://x/"])
def test_an_entry_that_cannot_be_read_is_an_error(entry):
    with pytest.raises(ValueError, match="TRUNKLINE_EGRESS_ALLOW"):
        Egress([entry])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?a=1#b",
        "https://example.com:8443/",
        "https://bücher.example/",
        "https://8.8.8.8/",
    ],
)
def test_a_proper_url_is_returned_unchanged(url):
    assert Egress().check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//example.com/",
        "example.com",
        "",
        "https://",
        "https://user:pw@example.com/",
        "https://user@example.com/",
        "https://@example.com/",
        "https://example.com:25/",
        "https://example.com:99999/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://db.internal/",
        "https://printer.local/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://１２７.０.０.１/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/\r\nHost: x",
        "https://example.com/" + "a" * 2048,
    ],
)
def test_a_url_that_is_private_or_odd_by_its_form_is_refused(url):
    with pytest.raises(BadUrl):
        Egress().check_url(url)


def test_plain_http_is_for_allowed_targets_and_for_those_who_ask():
    assert Egress(["127.0.0.1:9000"]).check_url("http://127.0.0.1:9000/")
    assert Egress(["127.0.0.1:9000"]).check_url("http://localhost:9000/")
    assert Egress().check_url("http://example.com/", https_only=False)


def test_hosts_of_mail_settings_follow_the_same_rules():
    egress = Egress(["mail.corp:1025"])

    assert egress.check_host("SMTP.Example.com", 587) == "smtp.example.com"
    assert egress.check_host("mail.corp", 1025) == "mail.corp"
    for host, port in [
        ("10.0.0.1", 25),
        ("localhost", 25),
        ("smtp.example.com", 80),
        ("a/b", 25),
        ("0x7f.1", 25),
    ]:
        with pytest.raises(BadUrl):
            egress.check_host(host, port)


@given(st.text(max_size=60))
def test_any_text_is_either_a_url_or_a_sentence(text):
    sentences = []
    for url in (text, f"https://{text}/", f"https://example.com/{text}"):
        try:
            Egress().check_url(url)
        except BadUrl as refusal:
            sentences.append(str(refusal))

    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.anyio
async def test_one_private_address_spoils_a_name(monkeypatch):
    answers = [(socket.AF_INET, 1, 6, "", (ip, 443)) for ip in ("8.8.8.8", "127.0.0.1")]

    async def resolve(*_, **__):
        return answers

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve, raising=False)

    with pytest.raises(Refused, match=r"rebind\.example"):
        await Egress().resolve("rebind.example", 443)


@pytest.mark.anyio
async def test_streams_open_to_allowed_hosts_alone():
    server = await asyncio.start_server(lambda _, writer: writer.write(b"220 hello\r\n"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    reader, writer = await Egress([f"localhost:{port}"]).open_connection("localhost", port)
    greeting = await reader.readline()
    writer.close()
    server.close()

    assert greeting == b"220 hello\r\n"
    with pytest.raises(Refused):
        await Egress().open_connection("127.0.0.1", port)
