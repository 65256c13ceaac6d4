"""What somebody newly wrote in a reply, without the mail they answered.

One pass over the lines: the known parsers of this kind backtrack for minutes on a mail made to hurt them.
"""

import re
from collections.abc import Sequence

LINE = 500  # characters of a line that are looked at
SPAN = 4  # lines over which mail programs wrap "On … wrote:"

# "On <date> <name> wrote:" by the words before and after, in the languages mail programs speak.
DAY = r"(?:On|Le|Am|El|Il|Op|Em|Den|W dniu|Dne|Pe|În|In|La data|Вс|Пн|Вт|Ср|Чт|Пт|Сб)\b"
WROTE = (
    r"(?:wrote|a écrit|schrieb.{0,200}|escribió|ha scritto|schreef.{0,200}|escreveu|skrev.{0,200}"
    r"|napisał\(?a?\)?|napsal\(?a?\)?|a scris|пишет|написал\(?а?\)?)\s?:"
)
OPENING = re.compile(DAY, re.IGNORECASE)
ATTRIBUTION = re.compile(DAY + r".{0,1200}?" + WROTE, re.IGNORECASE | re.DOTALL)
SEPARATOR = re.compile(
    r"[-_\s]{0,40}(?:Original Message|Mesaj original|Mesajul original|Ursprüngliche Nachricht"
    r"|Message d'origine|Mensaje original|Messaggio originale|Mensagem original|Oorspronkelijk bericht"
    r"|Forwarded message|Mesaj redirecționat|Mesaj trimis)[-_\s]{0,40}",
    re.IGNORECASE,
)
FROM = re.compile(r"\*?(?:From|De la|De|Von|Da|Van|Od|Fra|Från)\s?:\*?\s.*", re.IGNORECASE)
HEADER = re.compile(
    r"\*?(?:Sent|Date|To|Subject|Cc|Trimis|Dată|Data|Către|Subiect|Gesendet|An|Betreff|Envoyé|À|Objet|Enviado"
    r"|Para|Asunto|Inviato|A|Oggetto|Verzonden|Aan|Onderwerp)\s?:\*?\s.*",
    re.IGNORECASE,
)
SIGN_OFF = re.compile(
    r"(?:Sent from my|Sent from Mail for|Get Outlook for|Trimis de pe|Trimis din|Von meinem|Envoyé de mon)"
    r" .{0,80}",
    re.IGNORECASE,
)


def trim(text: str) -> str:
    """The new words; the whole text if nothing else would be left."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start, after = cut(lines)
    above = unsigned(without_quotes(lines[:start]))
    if after is None:
        return above or text.strip()
    below = lines[after:]
    # Words between or under quoted lines are an answer too; without any ">" the rest is the old mail itself.
    answers = without_quotes(below) if any(line.lstrip().startswith(">") for line in below) else ""
    return "\n\n".join(part for part in (above, unsigned(answers)) if part) or text.strip()


def cut(lines: Sequence[str]) -> tuple[int, int | None]:
    """Where the old mail is announced, and the line after the announcement; no second number without one."""
    for number, line in enumerate(lines):
        line = line[:LINE].strip().lstrip("> ")
        if not line:
            continue
        if OPENING.match(line) and (length := attribution(lines, number)):
            return number, number + length
        if SEPARATOR.fullmatch(line) or (FROM.fullmatch(line) and headers_follow(lines, number)):
            return number, len(lines)
    return len(lines), None


def attribution(lines: Sequence[str], number: int) -> int:
    """How many lines "On … wrote:" takes here; 0 if it is something else."""
    joined = ""
    for length, line in enumerate(lines[number : number + SPAN], 1):
        joined += " " + line[:LINE].strip().lstrip("> ")
        if joined.endswith(":") and ATTRIBUTION.fullmatch(joined.strip()):
            return length
        if not line.strip():
            return 0
    return 0


def headers_follow(lines: Sequence[str], number: int) -> bool:
    """A header block of the old mail has at least two of its lines soon after From."""
    return sum(bool(HEADER.fullmatch(line[:LINE].strip())) for line in lines[number + 1 : number + 7]) >= 2


def without_quotes(lines: Sequence[str]) -> str:
    kept = [line.rstrip() for line in lines if not line.lstrip().startswith(">")]
    while kept and (not kept[-1] or set(kept[-1]) <= {"_", "-"}):
        kept.pop()
    return "\n".join(kept).strip()


def unsigned(text: str) -> str:
    """Without what stands under the signature mark, and without "Sent from my …"."""
    lines = text.split("\n")
    mark = next((number for number, line in enumerate(lines) if line in ("--", "-- ") and number), len(lines))
    lines = lines[:mark]
    while len(lines) > 1 and (not lines[-1].strip() or SIGN_OFF.fullmatch(lines[-1][:LINE].strip())):
        lines.pop()
    return "\n".join(lines).strip()
