# SPDX-License-Identifier: GPL-2.0
"""A shell in the emulated host, on the user's terminal."""

import os
import pty
import select
import sys
import termios
import threading
import tty

from .options import die
from .session import Boot, Result

LEAVE = b"\x1d"


class Silent:
    def show(self, boot):
        pass


def relay(ours, port, machine):
    """Carries bytes between the user's terminal and the serial port until Ctrl-]."""
    while machine.is_alive():
        ready, _, _ = select.select([ours, port], [], [], 0.2)
        if ours in ready:
            data = os.read(ours, 1024)
            if not data or LEAVE in data:
                return
            os.write(port, data)
        if port in ready:
            os.write(sys.stdout.fileno(), os.read(port, 4096))


def run(options, work):
    if not sys.stdin.isatty():
        die("CONSOLE=1 needs a terminal")
    port, serial = pty.openpty()
    tty.setraw(serial)
    boot = Boot(options, [Result(test) for test in options.tests], work, Silent())
    print("the tests are in /tests; Ctrl-] or the end of the shell ends the machine")
    ours = sys.stdin.fileno()
    before = termios.tcgetattr(ours)
    tty.setraw(ours)
    try:
        machine = threading.Thread(target=boot.run, args=(os.ttyname(serial),), daemon=True)
        machine.start()
        relay(ours, port, machine)
    finally:
        termios.tcsetattr(ours, termios.TCSADRAIN, before)
        boot.machine.stop()
    return 0
