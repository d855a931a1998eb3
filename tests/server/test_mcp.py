"""An MCP client drives the tools over standard input and output."""

from __future__ import annotations

import base64
import json
import os
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from PIL import Image

from limn.server.mcp import LARGEST
from limn.store import read_record

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_an_assistant_draws_edits_and_looks_up(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [str(ROOT / "tests" / "toys.py"), "mcp", "--out", str(tmp_path / "store")]
    program = StdioServerParameters(command=sys.executable, args=command, env=environment, cwd=str(tmp_path))

    async def talk() -> None:
        async with stdio_client(program) as (reading, writing), ClientSession(reading, writing) as session:
            await session.initialize()
            tools = {tool.name for tool in (await session.list_tools()).tools}
            assert tools == {"draw", "edit", "find", "record"}
            answer = await session.call_tool("draw", {"prompt": "a cat", "seed": 3, "n": 2})
            assert not answer.is_error, answer
            texts, pictures = parts(answer)
            assert [text["seed"] for text in texts] == [3, 4]
            assert read_record(Path(texts[0]["path"]))["key"] in texts[0]["record"]
            assert all(len(data) <= LARGEST and Image.open(BytesIO(data)).format == "WEBP" for data in pictures)
            edited = await session.call_tool(
                "edit", {"picture": texts[0]["path"], "prompt": "a dog", "box": "0.5,0,1,1"}
            )
            assert not edited.is_error, edited
            told = await session.call_tool("record", {"picture": parts(edited)[0][0]["path"]})
            assert parts(told)[0][0]["prompt"]["text"] == "a dog"
            runs = await session.call_tool("find", {"search": "cat"})
            assert parts(runs)[0][0][0]["prompt"] == "a cat"
            for wrong in ({"prompt": "a cat", "model": "/etc"}, {"prompt": "a cat", "steps": 0}, {"prompt": ""}):
                assert (await session.call_tool("draw", wrong)).is_error

    anyio.run(talk)


def parts(answer: Any) -> tuple[list[Any], list[bytes]]:
    texts = [json.loads(part.text) for part in answer.content if part.type == "text"]
    return texts, [base64.b64decode(part.data) for part in answer.content if part.type == "image"]
