# SPDX-License-Identifier: GPL-2.0
"""What a run of the tests says of a fault."""


class Verdict:
    """`test` is the first that failed, None if none did; `complete` if all of them ended."""
    test = message = None
    complete = False

    def verdict(self):
        if self.test:
            return "killed"
        return "survived" if self.complete else "no result"
