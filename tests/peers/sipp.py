"""A telephone exchange made of sipp: one that answers and echoes what it hears, or one that plays a scene."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "sipp"
PATIENCE = 15


@dataclass(frozen=True)
class Exchange:
    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All messages, as they came and went."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def played(self) -> int:
        """Waits for the end of the scene; 0 when all went as it says."""
        return self.process.wait(PATIENCE)


def available() -> str | None:
    """Why there is no exchange here, or None."""
    return None if shutil.which(PROGRAM) else "sipp is not installed (apt-get install sip-tester)"


@contextmanager
def running(*scene: str) -> Iterator[Exchange]:
    """Without a scene it answers every call and sends back what it hears; a scene is played for one call."""
    folder = Path(tempfile.mkdtemp(prefix="trunkline-sipp-"))
    port = free_port()
    command = [PROGRAM, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(port), "-mp", str(free_port()), "-nostdin"]
    command += ["-trace_msg", "-message_file", "messages.log", "-trace_err", "-error_file", "errors.log"]
    if scene:
        (folder / "scene.xml").write_text(script(*scene))
        command += ["-sf", "scene.xml", "-m", "1", "-timeout", f"{PATIENCE}s"]
    else:
        command += ["-sn", "uas", "-rtp_echo"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    exchange = Exchange(port, folder, process)
    try:
        wait_until_taken(exchange)
        yield exchange
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_taken(exchange: Exchange) -> None:
    """Until nobody else can have its port."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and exchange.process.poll() is None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", exchange.port))
            except OSError:
                return
        time.sleep(0.02)
    raise RuntimeError(f"sipp does not listen:\n{exchange.log}")


def script(*steps: str) -> str:
    return f'<?xml version="1.0"?>\n<scenario name="scene">\n{"".join(steps)}\n</scenario>\n'


def hear(method: str, *, optional: bool = False) -> str:
    return f'<recv request="{method}"{" optional=" + chr(34) + "true" + chr(34) if optional else ""}/>\n'


def hear_answer(status: int) -> str:
    return f'<recv response="{status}"/>\n'


def wait(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>\n'


def answer(
    status: str, *headers: str, sound: bool = False, again: bool = False, contact: str = "[local_ip]:[local_port]"
) -> str:
    """To the last request; `again` repeats it until it is confirmed."""
    to = "[last_To:]" if status.startswith("100") else "[last_To:];tag=their-tag"
    lines = [
        f"SIP/2.0 {status}", "[last_Via:]", "[last_From:]", to, "[last_Call-ID:]", "[last_CSeq:]",
        f"Contact: <sip:{contact};transport=[transport]>", *headers,
    ]  # fmt: skip
    return _sent(lines, SOUND if sound else [], again)


def answer_within(status: str) -> str:
    """To a request of the call that is going on: both tags are there."""
    return _sent([f"SIP/2.0 {status}", "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]"])


def ask(method: str, number: int, *, sound: bool = False) -> str:
    """A request of the exchange within the call, after its first one was kept by `keep`."""
    lines = [
        f"{method} [$theirs] SIP/2.0", "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        "From: [$us];tag=their-tag", "To: [$them]", "[last_Call-ID:]", f"CSeq: {number} {method}", "Max-Forwards: 70",
        "Contact: <sip:[local_ip]:[local_port];transport=[transport]>",
    ]  # fmt: skip
    return _sent(lines, SOUND if sound else [], True)


def keep() -> str:
    """Hears the INVITE and remembers who is who."""
    found = [
        ("From:", ".*", "them"), ("To:", ".*", "us"), ("Contact:", "sip:[^&gt;]*", "theirs"),
    ]  # fmt: skip
    actions = "".join(
        f'<ereg regexp="{pattern}" search_in="hdr" header="{header}" assign_to="{name}"/>'
        for header, pattern, name in found
    )
    return f'<recv request="INVITE"><action>{actions}</action></recv>\n'


SOUND = [
    "v=0", "o=- 1 1 IN IP4 [media_ip]", "s=-", "c=IN IP4 [media_ip]", "t=0 0", "m=audio [media_port] RTP/AVP 8 101",
    "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000",
]  # fmt: skip


def _sent(lines: list[str], body: list[str] = [], again: bool = False) -> str:  # noqa: B006
    head = [*lines, *(["Content-Type: application/sdp"] if body else []), "Content-Length: [len]"]
    text = "\n".join([*head, "", *body])
    return f"<send{' retrans=' + chr(34) + '500' + chr(34) if again else ''}><![CDATA[\n{text}\n]]></send>\n"
