"""What the faces cost; the figures themselves come from benchmarks/faces.py."""

import re
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_faces_keep_their_promises(root):
    """A fifth of the speed of dictionaries alone; a decision in turn at most half as long again as one in parallel."""
    command = [sys.executable, str(root / "benchmarks" / "faces.py"), "--steps", "3000"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(said)
    assert int(re.search(r"runs at (\d+)%", said)[1]) >= 20
    assert float(re.search(r"takes ([\d.]+) times", said)[1]) <= 1.5
