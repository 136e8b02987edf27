"""The agents of docs/how-to/agents_elsewhere.md, as they stand there, in a Python that has no marl_sim."""

import re
import subprocess
import sys

import pytest
from fake_servers import play, small_game

import marl_sim as ms

WITHOUT = [sys.executable, "-I", "-S"]  # the standard library alone


@pytest.fixture
def blocks(root):
    text = (root / "docs" / "how-to" / "agents_elsewhere.md").read_text()
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def mirrored(played):
    """Whether agent 1 did in each round what agent 0 had done in the one before (games last four)."""
    theirs, own = played[:, :, 0], played[:, :, 1]
    first = [step % 4 == 0 for step in range(len(played))]
    return all((own[k] == (0 if first[k] else theirs[k - 1])).all() for k in range(len(played)))


def test_the_server(blocks, tmp_path):
    code = blocks[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 25
    file = tmp_path / "agent.py"
    file.write_text(code + "print(server.server_port, flush=True)\nserver.serve_forever()\n")
    server = subprocess.Popen([*WITHOUT, str(file)], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/"
        played, (report, _) = play(small_game(), {1: url, 0: "Random"}, steps=9)
    finally:
        server.kill()
        server.communicate()
    assert mirrored(played) and report["replaced"] == 0


def test_the_command(blocks, tmp_path):
    code = next(block for block in blocks if "my_agent.py" in block).partition("trainer =")[0]
    subprocess.run([*WITHOUT, "-c", code], cwd=tmp_path, check=True)
    agent = ms.as_policy([*WITHOUT, str(tmp_path / "my_agent.py")])
    played, (report, _) = play(small_game(), {1: agent, 0: "Random"}, steps=9)
    assert mirrored(played) and report["replaced"] == 0
