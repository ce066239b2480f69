# SPDX-License-Identifier: GPL-2.0
"""Builds what is booted: the kernel of the emulated KVM host, and the selftests."""

import os
import subprocess
import sys

from .options import TOP, program


def build(options):
    names = sorted({program(test) for test in options.tests})
    environment = {**os.environ, "STOCK": "1" * options.stock, "DEBUG": options.debug,
                   "PAGES": options.pages, "COUNTING_CLOCK": "1" * options.counting_clock}
    machine = options.machine
    library = TOP / "dev/lib"
    commands = [[TOP / "dev/packages", "tree", "build", *machine.packages],
                [library / "build-host", machine.architecture, *names]]
    if machine.foreign:
        commands.insert(1, [library / "foreign", machine.architecture, *machine.foreign])
    for command in commands:
        status = subprocess.run(command, env=environment).returncode
        if status:
            sys.exit(status)
