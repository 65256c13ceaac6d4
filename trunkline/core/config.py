"""Boot settings: few, from the environment or one TOML file. What an administrator changes lives in the dashboard."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from trunkline.core.errors import Refusal

Help = Meta


class Settings(Struct, frozen=True, kw_only=True):
    """Each field is read from `TRUNKLINE_<NAME>`, else from the TOML file that `TRUNKLINE_CONFIG` names."""

    data: Annotated[Path, Help(description="Folder of the embedded database, media and the secret.")] = Path("data")
    database_url: Annotated[str, Help(description="PostgreSQL 15 or newer. Empty: the embedded server.")] = ""
    postgres_bin: Annotated[str, Help(description="Folder of the PostgreSQL programs for the embedded server.")] = ""
    broker_url: Annotated[str, Help(description="valkey:// or redis:// for many machines. Reserved.")] = ""
    public_url: Annotated[str, Help(description="Where the world reaches us; used in links and callbacks.")] = ""
    secret: Annotated[str, Help(description="Seals secrets at rest. Empty: made once and kept in the data folder.")] = (
        ""
    )
    trusted_proxies: Annotated[
        tuple[str, ...], Help(description="Addresses or networks whose X-Forwarded-* headers count.")
    ] = ()
    insecure_http: Annotated[
        Literal["auto", "allow", "deny"],
        Help(description="Plain HTTP for the rapidpro and connector dialects; auto: only loopback to loopback."),
    ] = "auto"
    egress_allow: Annotated[
        tuple[str, ...],
        Help(description="Hosts, host:port or networks that outgoing calls may reach though private."),
    ] = ()
    tls_cert: Annotated[str, Help(description="Certificate file: serve HTTPS directly.")] = ""
    tls_key: Annotated[str, Help(description="Key file of the certificate.")] = ""
    smtp_url: Annotated[
        str,
        Help(
            description="Relay for mail of the installation itself, like notices to owners: "
            "`smtp://user:password@host:587`, `smtps://…`, or with `?tls=none`. May be private. Empty: none is sent."
        ),
    ] = ""
    mail_from: Annotated[str, Help(description="Sender of that mail. Empty: trunkline@ the public URL's host.")] = ""
    ai_base_url: Annotated[
        str,
        Help(description="OpenAI-compatible endpoint, up to `/v1`; may be private. Empty: no model is used."),
    ] = ""
    ai_api_key: Annotated[str, Help(description="Key for the AI endpoint. Empty: none is sent.")] = ""
    ai_model: Annotated[str, Help(description="Model that writes; without one nothing is sent to the endpoint.")] = ""
    ai_embedding_model: Annotated[
        str, Help(description="Model that search compares meanings with. Empty: search goes by words alone.")
    ] = ""
    ai_timeout: Annotated[float, Help(gt=0, le=50, description="Seconds for one answer, with all repeats.")] = 40.0
    ai_price_in: Annotated[
        float, Help(ge=0, le=1_000_000, description="What a million tokens cost that the model reads, in your money.")
    ] = 0.0
    ai_price_out: Annotated[
        float, Help(ge=0, le=1_000_000, description="What a million tokens cost that the model writes.")
    ] = 0.0
    log_format: Annotated[Literal["text", "json"], Help(description="Lines for people or for machines.")] = "text"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Help(description="Least level logged.")] = "info"
    web_connections: Annotated[int, Help(description="Database connections of a web process.")] = field(default=10)


def load(environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Settings from the environment, the TOML file below it, and `overrides` (None is ignored) above both."""
    environ = os.environ if environ is None else environ
    values: dict[str, object] = _from_file(environ.get("TRUNKLINE_CONFIG"))
    for name in Settings.__struct_fields__:
        if (text := environ.get(f"TRUNKLINE_{name.upper()}")) is not None:
            values[name] = _split(text) if name in ("trusted_proxies", "egress_allow") else text
    values.update({name: value for name, value in overrides.items() if value is not None})
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise Refusal(f"A setting is wrong: {error}. See docs/reference/settings.md.") from None


def _from_file(name: str | None) -> dict[str, object]:
    if not name:
        return {}
    try:
        values = tomllib.loads(Path(name).read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Refusal(f"The settings file {name} cannot be read: {error}.") from None
    if unknown := set(values) - set(Settings.__struct_fields__):
        raise Refusal(f"The settings file {name} names unknown settings: {', '.join(sorted(unknown))}.")
    return values


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _path(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value)).expanduser()
    raise NotImplementedError(kind)
