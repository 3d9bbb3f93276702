"""Installs packages with uv as one line that fills up: `python -m infusion_guide.run.packages WORDS uv pip install ...`.

It runs before any package is there, so it needs none.
"""

import re
import subprocess
import sys
from typing import Dict, List

from infusion_guide.watch.console import Bar

_BEGUN = re.compile(r"Downloading (\S+) \(([\d.]+)([KMG])iB\)")  # uv says so of what is large
_ENDED = re.compile(r"\s*Downloaded (\S+)")
_MB = {"K": 1 / 1024, "M": 1.0, "G": 1024.0}


def install(words: str, command: List[str]) -> None:
    """Runs uv's `command`. Raises SystemExit with what uv said when it fails."""
    said: List[str] = []
    coming: Dict[str, float] = {}
    there = 0.0
    with Bar(words) as bar, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as uv:
        for line in uv.stdout or ():
            said.append(line)
            begun, ended = _BEGUN.match(line), _ENDED.match(line)
            if begun:
                coming[begun[1]] = float(begun[2]) * _MB[begun[3]]
            if ended:
                there += coming.get(ended[1], 0.0)
            if coming:
                bar.show(there / sum(coming.values()), f"{there:.0f} of {sum(coming.values()):.0f} MB")
        if uv.wait():
            raise SystemExit("".join(said).rstrip())


if __name__ == "__main__":
    install(sys.argv[1], sys.argv[2:])
