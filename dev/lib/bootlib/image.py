# SPDX-License-Identifier: GPL-2.0
"""The emulated host's root file system, and the CD that Bochs boots from."""

import os
import shutil
import subprocess
from pathlib import Path

from .options import BUILD, TOP, die, program

DIRECTORIES = ("bin", "dev", "plan", "proc", "sys", "tests", "tmp")


def write_plan(options, tests, work):
    """The files that tell dev/data/guest/init what to do."""
    count = not options.icount and not options.console
    (work / "tests").write_text("".join(f"{test}\n" for test in tests))
    (work / "settings").write_text(
        f"COUNT={'1' * count}\nCONSOLE={'1' * options.console}\n"
        f"ARCH={options.machine.architecture}\nPORT={options.machine.port}\n")


def added_files(root):
    """gen_init_cpio lines for everything below a directory of the user's."""
    for folder, folders, files in os.walk(root):
        for name in sorted(folders + files):
            path = Path(folder, name)
            inside = f"/{path.relative_to(root)}"
            if len(f"{inside}{path.resolve()}".split()) != 1:
                die(f"ROOT: {path}: names with spaces cannot be put into the guest's root")
            if path.is_symlink():
                yield f"slink {inside} {os.readlink(path)} 0777 0 0"
            elif path.is_dir():
                yield f"dir {inside} 0755 0 0"
            elif path.is_file():
                yield f"file {inside} {path.resolve()} {path.stat().st_mode & 0o777:o} 0 0"
            else:
                die(f"ROOT: {path} is neither a file, a directory nor a link")


def contents(options, tests, work):
    architecture = options.machine.architecture
    root = BUILD / "foreign" / architecture if options.machine.foreign else Path("/")
    busybox = next(filter(Path.exists, (root / "bin/busybox", root / "usr/bin/busybox")))
    yield from (f"dir /{name} 0755 0 0" for name in (*DIRECTORIES, f"tests/{architecture}"))
    yield "nod /dev/console 0600 0 0 c 5 1"
    yield f"file /bin/busybox {busybox} 0755 0 0"
    yield f"file /init {TOP}/dev/data/guest/init 0755 0 0"
    for name in ("tests", "settings"):
        yield f"file /plan/{name} {work}/{name} 0644 0 0"
    for name in sorted({program(test) for test in tests}):
        yield f"file /tests/{name} {options.selftests}/{name} 0755 0 0"
    if options.root:
        yield from added_files(Path(options.root))


def make_initramfs(options, tests, work):
    write_plan(options, tests, work)
    listing = work / "initramfs.list"
    listing.write_text("".join(f"{line}\n" for line in contents(options, tests, work)))
    initramfs = work / "initramfs.cpio"
    subprocess.run([options.kernel / "usr/gen_init_cpio", "-o", initramfs, listing], check=True)
    return initramfs


def make_cd(kernel, initramfs, parameters, work):
    tree = work / "cd"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "boot/grub").mkdir(parents=True)
    shutil.copy(kernel, tree / "boot/kernel")
    shutil.copy(initramfs, tree / "boot/initramfs")
    (tree / "boot/grub/grub.cfg").write_text(
        f"linux /boot/kernel {parameters}\ninitrd /boot/initramfs\nboot\n")
    cd = work / "host.iso"
    made = subprocess.run(["grub-mkrescue", "-o", cd, tree], capture_output=True, text=True)
    if made.returncode:
        die(f"grub-mkrescue failed: {made.stderr}")
    return cd
