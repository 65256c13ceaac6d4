"""E-mail through the user's own relay, and back through our door for incoming mail."""

import asyncio
from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar, Literal

from msgspec import Struct, field, structs

from trunkline.channels.base import (
    Adapter,
    Capabilities,
    Exchange,
    Identity,
    Inbound,
    Kind,
    Mail,
    OptOut,
    Outbound,
    Semantics,
    SendError,
    Sent,
    Status,
    Wire,
)
from trunkline.channels.mail import bounces, inbound, parse, tokens
from trunkline.channels.mail.compose import Letter, Letterhead, compose
from trunkline.channels.mail.dkim import Signer
from trunkline.channels.mail.transport import Pool, Receipt, Relay
from trunkline.core import clock, mailaddr
from trunkline.core.egress import BadUrl, Egress
from trunkline.core.errors import Invalid


class SmtpConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of an SMTP channel. `from` may be left out when the channel's address is one."""

    host: str
    port: int = 587
    username: str = ""
    password: str = ""
    tls: Literal["none", "starttls", "tls"] = "starttls"
    from_: str = field(name="from", default="")
    from_name: str = ""
    dkim_domain: str = ""
    dkim_selector: str = ""
    dkim_key: str = ""
    listen: str = ""
    inbound_domain: str = ""
    bounce_domain: str = ""


class Claim(IntEnum):
    """How sure a channel is that mail to an address is its own."""

    NONE = 0
    DOMAIN = 1
    NAME = 2
    SIGNED = 3


class Smtp(Adapter):
    """One sender address at one relay. Keeps up to eight connections until `close`."""

    kind: ClassVar[str] = "smtp"
    sends_as: ClassVar[Kind] = "email"
    schemes: ClassVar[frozenset[str]] = frozenset({"mailto"})
    can: ClassVar[Capabilities] = Capabilities(media=True, html=True, subject=True, threads=True)
    semantics: ClassVar[Semantics] = "at_least_once"
    # Each step has a limit of its own (see transport.py). A relay that looks into mails may think for minutes; hanging
    # up on it would send all of them again and again.
    send_seconds: ClassVar[float | None] = None
    Config: ClassVar[type[Struct]] = SmtpConfig

    def __init__(self, config: SmtpConfig, *, channel: Identity, secret: str):
        super().__init__(config, channel=channel, secret=secret)
        self.key = tokens.signing_key(secret)
        self.letterhead = Letterhead(
            from_=config.from_ or channel.address,
            from_name=config.from_name,
            key=self.key,
            inbound_domain=config.inbound_domain,
            bounce_domain=config.bounce_domain,
        )
        self.signer = signer(config, channel.address)
        self.pool: Pool | None = None

    @classmethod
    def check(cls, config: SmtpConfig, egress: Egress) -> None:
        problems: dict[str, list[str]] = {}
        try:
            egress.check_host(config.host, config.port)
        except BadUrl as error:
            problems["host"] = [str(error)]
        for name, mailbox in mailboxes(config).items():
            try:
                mailaddr.parse(mailbox)
            except mailaddr.BadEmail as error:
                problems[name] = [str(error)]
        if problems:
            raise Invalid(problems)
        if config.listen:
            inbound.parse_listen(config.listen)
        signer(config, "x@example.org")

    async def send(self, wire: Wire, messages: Sequence[Outbound]) -> list[Sent]:
        """All at once over the kept connections; one message's failure touches no other."""
        pool = self.pool = self.pool or Pool(self.relay(), wire.egress.open_socket)
        if len(messages) == 1:
            return [await self.send_one(pool, messages[0])]
        return list(await asyncio.gather(*(self.send_one(pool, message) for message in messages)))

    async def send_one(self, pool: Pool, message: Outbound) -> Sent:
        started = clock.monotonic()
        letter = None
        try:
            letter = self.letter(message)
            receipt = await pool.deliver(letter.sender, letter.recipients, letter.raw)
        except SendError as error:
            exchange = self.exchange(letter, error.detail, started)
            return Sent(id=message.id, external_id=letter and letter.message_id, error=error, exchange=exchange)
        exchange = self.exchange(letter, said(receipt), started) if message.logged else None
        return Sent(id=message.id, external_id=letter.message_id, exchange=exchange)

    def letter(self, message: Outbound) -> Letter:
        at = clock.now()
        letter = compose(self.letterhead, self.with_tokens(message), at=at)
        if self.signer is None:
            return letter
        return Letter(
            message_id=letter.message_id,
            sender=letter.sender,
            recipients=letter.recipients,
            raw=self.signer.sign(letter.raw, at=at),
        )

    def with_tokens(self, message: Outbound) -> Outbound:
        """Signed marks that bring the answer to its conversation and the bounce to its message."""
        if not (self.config.inbound_domain or self.config.bounce_domain):
            return message  # there is no address for them to stand in
        mail = message.mail or Mail()
        conversation = message.extra.get("conversation_id")
        domain, mailto = self.config.inbound_domain, mail.unsubscribe_mailto
        if mail.unsubscribe_url and domain and not mailto:
            mailto = tokens.address("unsubscribe", tokens.seal(self.key, "unsubscribe", message.id), domain)
        return structs.replace(
            message,
            mail=structs.replace(
                mail,
                reply_token=tokens.seal(self.key, "reply", conversation) if conversation else mail.reply_token,
                bounce_token=mail.bounce_token or tokens.seal(self.key, "bounce", message.id),
                unsubscribe_mailto=mailto,
            ),
        )

    def claim(self, mailbox: str) -> Claim:
        """Whether mail to this address is ours: signed by us, our sender address, or anything in our domains."""
        mailbox = mailbox.strip("<>").lower()
        local, _, domain = mailbox.rpartition("@")
        if mailbox == self.letterhead.from_.lower():
            return Claim.NAME
        ours = domain in (self.config.inbound_domain.lower(), self.config.bounce_domain.lower())
        if not (local and domain and ours):
            return Claim.NONE
        signed = any(self.named(purpose, [mailbox]) for purpose in tokens.PREFIXES)
        return Claim.SIGNED if signed else Claim.DOMAIN

    def take_in(self, envelope: inbound.Envelope) -> list[Inbound | Status | OptOut]:
        """What a mail at the door tells us: delivery reports, a wish to get no more, or a message.

        Pure; big mails want a thread.
        """
        reports = bounces.statuses(envelope.raw, recipients=envelope.recipients, sender=envelope.sender, key=self.key)
        if reports is not None:
            return list(reports)
        if message_id := self.named("unsubscribe", envelope.recipients):
            return [OptOut(message_id=message_id, evidence={"mail_from": envelope.sender, "peer": envelope.peer})]
        message = parse.parse(envelope.raw, recipients=envelope.recipients, sender=envelope.sender)
        if message is None or tokens.uuid_in(self.key, message.external_id or ""):
            return []  # nobody wrote it, or we did: a copy of our own mail that came round
        return [message]

    def named(self, purpose: tokens.Purpose, mailboxes: Sequence[str]) -> int | None:
        """What the first address with a token of ours stands for."""
        found = (token for one in mailboxes if (token := tokens.token_in(purpose, one)))
        return next((id for token in found if (id := tokens.unseal(self.key, purpose, token)) is not None), None)

    def relay(self) -> Relay:
        config = self.config
        return Relay(
            host=config.host,
            port=config.port,
            username=config.username,
            password=config.password,
            tls=config.tls,
            helo=self.letterhead.from_.rpartition("@")[2],
        )

    def exchange(self, letter: Letter | None, response: str, started: float) -> Exchange:
        """The envelope and the headers: what a person needs to see why, without the body or a password."""
        request = ""
        if letter:
            head = letter.raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
            to = "\n".join(f"RCPT TO:<{one}>" for one in letter.recipients)
            request = f"MAIL FROM:<{letter.sender}>\n{to}\n\n{head}".replace("\r\n", "\n")[:8000]
        status = int(response[:3]) if response[:3].isdecimal() else None
        return Exchange(
            request=request, response=response, status=status, elapsed_ms=(clock.monotonic() - started) * 1000
        )

    async def close(self) -> None:
        if self.pool:
            await self.pool.close()
            self.pool = None


def signer(config: SmtpConfig, address: str) -> Signer | None:
    """Loads the key, if DKIM is set up. Raises Invalid."""
    if not (config.dkim_key or config.dkim_selector):
        return None
    domain = config.dkim_domain or (config.from_ or address).rpartition("@")[2]
    try:
        return Signer(domain, config.dkim_selector, config.dkim_key)
    except ValueError as error:
        raise Invalid({"dkim_key": [str(error)]}) from None


def mailboxes(config: SmtpConfig) -> dict[str, str]:
    """Addresses to check, by the setting they come from; a domain is as good as a mailbox in it."""
    named = {"inbound_domain": config.inbound_domain, "bounce_domain": config.bounce_domain}
    domains = {name: f"x@{domain}" for name, domain in named.items() if domain}
    return {"from": config.from_, **domains} if config.from_ else domains


def said(receipt: Receipt) -> str:
    refused = [f"{mailbox}: {answer}" for mailbox, answer in receipt.refused.items()]
    return "\n".join([receipt.response, *refused])
