"""Runs a command until its owner is gone: python keeper.py FD WORD ...; imports nothing of the package.

FD is the reading end of a pipe whose other end only the owner holds. When that closes, however the owner ended, the
whole process group goes: the command, whatever it started, and this process.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """The command's own exit status."""
    line = int(sys.argv[1])

    def watch() -> None:
        os.read(line, 1)
        os.killpg(0, signal.SIGKILL)

    try:
        child = subprocess.Popen(sys.argv[2:])
    except OSError as wrong:
        print(f"{sys.argv[2]} cannot be started: {wrong.strerror}", file=sys.stderr)
        return 127
    threading.Thread(target=watch, daemon=True).start()
    for end in (0, 1):  # they are the command's, so that its owner sees when it closes them
        os.close(end)
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    os._exit(main())
