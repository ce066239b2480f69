# SPDX-License-Identifier: GPL-2.0
"""Faults in a format's descriptor: constants, so that each needs a build of its own."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Mutant:
    name: str
    breaks: str
    patch: Path


def collect(top):
    return [Mutant(patch.stem, patch.read_text().split("\n", 1)[0], patch)
            for patch in sorted((top / "dev/data/mutations/formats").glob("*.patch"))]


def write(top, folder, mutant):
    """Returns the broken header."""
    path = re.search(r"^\+\+\+ b/(\S+)$", mutant.patch.read_text(), re.M)[1]
    folder.mkdir(parents=True, exist_ok=True)
    header = folder / Path(path).name
    subprocess.run(["patch", "-s", "-o", header, top / path, mutant.patch], check=True)
    # It does not stand beside the headers that it includes.
    header.write_text(re.sub(r'#include "(\w+\.h)"', r"#include <fmt/\1>", header.read_text()))
    return header
