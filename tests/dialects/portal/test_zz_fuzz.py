import asyncio, json, socket, pytest, uvicorn, contextlib, subprocess, sys
from pathlib import Path
from trunkline.dialects import openapi
from trunkline.dialects.portal import portal
pytestmark = pytest.mark.anyio

async def test_fuzz(dialects, new_key, sms, email, whatsapp, reminder, tmp_path):
    key = await new_key("portal", rate="off")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(dialects, lifespan="off", log_level="warning"))
        task = asyncio.create_task(server.serve(sockets=[s]))
        while not server.started: await asyncio.sleep(0.01)
        base = f"http://127.0.0.1:{s.getsockname()[1]}"
        import msgspec
        (tmp_path/"o.json").write_bytes(msgspec.json.encode(openapi.document(portal, base)))
        p = await asyncio.create_subprocess_exec(str(Path(sys.executable).parent/"schemathesis"), "run", str(tmp_path/"o.json"), "--url", base+"/api/v1/integrations", "-H", f"X-API-Key: {key}", "--max-examples", "60", "--checks", "all", "--exclude-checks", "ignored_auth", "--continue-on-failure", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = await p.communicate()
        server.should_exit = True; await task
    Path("/tmp/fuzz.txt").write_bytes(out)
