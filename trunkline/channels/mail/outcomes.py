"""What a relay's answer, or its silence, means for the message and for the channel."""

import re
import ssl

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupported,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from trunkline.channels.base import SendError
from trunkline.channels.mail.bounces import ABOUT_THE_SENDER
from trunkline.core.errors import TrunklineError

ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
PAUSE = 60.0
WRONG_SETTINGS = (530, 534, 535, 538)  # RFC 4954: authentication missing, too weak, wrong, or needs TLS


def refusal(code: int, message: str, *, of_sender: bool = False) -> SendError:
    """The relay said no. 4xx passes, 5xx does not, 421 speaks of the whole relay."""
    enhanced = ENHANCED.match(message)
    detail = f"{code} {message}".replace("\n", " ")[:500]
    provider_code = enhanced[1] if enhanced else str(code)
    if code == 421:
        return SendError(
            "throttled", detail, retry=True, retry_after=PAUSE, stop_channel=True, provider_code=provider_code
        )
    if code in WRONG_SETTINGS:
        return SendError("config", detail, retry=True, stop_channel=True, provider_code=provider_code)
    if code // 100 == 4:
        # Greylisting (4.7.1) too: it is about one recipient and passes in minutes, so the channel goes on.
        return SendError("rejected", detail, retry=True, provider_code=provider_code)
    if code // 100 == 5:
        wrong = provider_code.startswith("5.1.") and not of_sender and provider_code not in ABOUT_THE_SENDER
        return SendError("invalid" if wrong else "rejected", detail, provider_code=provider_code)
    return SendError("unexpected", detail, retry=True, provider_code=provider_code)


def lost(error: Exception) -> SendError:
    """Silence before the final dot: the relay holds nothing."""
    return SendError("unreachable", said(error), retry=True)


def unreached(error: Exception) -> SendError:
    """No usable connection. What only the settings can mend stops the channel; mails wait for it."""
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(error, TrunklineError | SMTPNotSupported | ValueError) or isinstance(cause, ssl.SSLError):
        return SendError("config", said(error), retry=True, stop_channel=True)
    if isinstance(error, SMTPAuthenticationError):
        if error.code // 100 == 4:
            return refusal(error.code, error.message)
        return SendError("config", said(error), retry=True, stop_channel=True, provider_code=str(error.code))
    if isinstance(error, SMTPResponseException):
        return greeting(error)
    if isinstance(error, SMTPTimeoutError | SMTPServerDisconnected | OSError):
        return SendError("unreachable", said(error), retry=True)
    # The library's plain exceptions: no STARTTLS, no AUTH, no common method.
    return SendError("config", said(error), retry=True, stop_channel=True)


def greeting(error: SMTPResponseException) -> SendError:
    """A relay that refuses to talk refuses the channel, never one message."""
    answer = refusal(error.code, error.message)
    if isinstance(error, SMTPHeloError) or error.code // 100 == 5:
        return SendError("config", answer.detail, retry=True, stop_channel=True, provider_code=answer.provider_code)
    return answer


def said(error: Exception) -> str:
    text = error.message if isinstance(error, SMTPException) else str(error)
    return (text if isinstance(text, str) and text else type(error).__name__)[:500]
