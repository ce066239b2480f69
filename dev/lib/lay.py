#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Lay this repository's files and edits over a copy of a kernel tree.

usage: lay.py snapshot KSRC PRISTINE   copy a maintainer's tree as it stands, without what it built
       lay.py replace NEW PRISTINE     make PRISTINE what NEW is
       lay.py fits PRISTINE            exit 0 if every edit applies
       lay.py over PRISTINE TREE       make TREE what PRISTINE is under our files and edits

A file is written only where its content changes, under a new name that is then renamed (so a
link to PRISTINE breaks), and takes the time of that moment: kbuild rebuilds what changed, also
when a change goes back to something old. OURS names another repository than this one.
"""
import filecmp
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

OURS = os.environ.get("OURS", str(Path(__file__).resolve().parents[2]))
EDITS = os.path.join(OURS, "edits")
OVERLAY = ("arch", "include", "virt", "Documentation", "tools", "scripts")
SCRAP = re.compile(r"__pycache__|.*(~|\.o|\.cmd|\.orig|\.pyc|\.rej|\.swp)")

# What a build leaves in the top folder; git's ignore files name the rest. Debian's sources ignore
# their whole top folder, hence the first pattern.
BUILT = ("!/*", "/.config*", "/.*.cmd", "/.*.d", "/.tmp_*", "/.version", "/.vmlinux*", "/.modules*",
         "/.module-*", "/.missing-syscalls.d", "/vmlinux*", "/linux", "/System.map", "/Module.symvers",
         "/modules.*", "/*.o", "/*.a", "/*.deb", "/*.patch", "/tags", "/TAGS", "/cscope*", "/GTAGS*")
CONFIGURED = re.compile(r"\.config|include/(config|generated)/.*|arch/\w+/include/generated/.*")


def fail(message):
    sys.exit(f"error: {message}")


def files_below(root, skip=None):
    """Yield the paths below root, relative to it."""
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                path = os.path.join(folder, entry.name)
                if skip and skip.fullmatch(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                else:
                    yield path


def same_file(a, b, by_time):
    x, y = os.lstat(a), os.lstat(b)
    if os.path.samestat(x, y):
        return True
    if x.st_size != y.st_size or stat.S_IFMT(x.st_mode) != stat.S_IFMT(y.st_mode):
        return False
    if stat.S_ISLNK(x.st_mode):
        return os.readlink(a) == os.readlink(b)
    if (x.st_mode ^ y.st_mode) & stat.S_IXUSR:
        return False
    if by_time and x.st_mtime_ns == y.st_mtime_ns:
        return True
    return filecmp.cmp(a, b, shallow=False)


def write(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    new = os.path.join(os.path.dirname(target), f".lay-{os.getpid()}")
    shutil.copyfile(source, new, follow_symlinks=False)
    if not os.path.islink(source):
        shutil.copymode(source, new)
    os.replace(new, target)


def remove(path, root):
    os.unlink(path)
    folder = os.path.dirname(path)
    while folder != root and not os.listdir(folder):
        os.rmdir(folder)
        folder = os.path.dirname(folder)


def sync(wanted, target, by_time=()):
    """Give target the wanted files ({path: source}) and no others; name each that changes.

    Equal times and sizes are taken for equal content where the source is below by_time.
    """
    os.makedirs(target, exist_ok=True)
    present = set(files_below(target))
    for path in sorted(present - wanted.keys()):
        remove(os.path.join(target, path), target)
        print("-", path)
    for path, source in sorted(wanted.items()):
        copy = os.path.join(target, path)
        if path in present and same_file(source, copy, source.startswith(by_time)):
            continue
        write(source, copy)
        print("+", path)


def everything(root):
    return {path: os.path.join(root, path) for path in files_below(root)}


def git_files(ksrc):
    """The files of a tree that git would keep, uncommitted and unadded ones among them."""
    def git(*args):
        return subprocess.run(["git", "-C", ksrc, "-c", "safe.directory=*", *args],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)

    listing = ("ls-files", "-z", "--cached", "--others")
    top = git("rev-parse", "--show-toplevel")
    if top.returncode == 0 and os.path.samefile(top.stdout.decode().rstrip("\n"), ksrc):
        out = git(*listing, "--exclude-standard")
    else:
        with tempfile.TemporaryDirectory() as folder:
            tree = (f"--git-dir={folder}", f"--work-tree={ksrc}")
            git(*tree, "init")
            out = git(*tree, *listing, "--exclude-per-directory=.gitignore",
                      *(f"--exclude={pattern}" for pattern in BUILT))
    if out.returncode:
        fail(f"git cannot list the files of {ksrc}")
    return filter(None, map(os.fsdecode, out.stdout.split(b"\0")))


def snapshot(ksrc, pristine):
    paths = [path for path in git_files(ksrc) if os.path.lexists(os.path.join(ksrc, path))]
    if "Kbuild" not in paths:
        fail(f"{ksrc} is not a kernel source tree")
    built = [path for path in paths if CONFIGURED.fullmatch(path)]
    if built:
        fail(f"{ksrc} holds {built[0]}, which a build made and no .gitignore there names")
    sync({path: os.path.join(ksrc, path) for path in paths}, pristine)


def replace(new, pristine):
    sync(everything(new), pristine)


def our_files():
    return {path: os.path.join(OURS, path)
            for top in OVERLAY if os.path.isdir(os.path.join(OURS, top))
            for path in (os.path.join(top, below)
                         for below in files_below(os.path.join(OURS, top), SCRAP))}


def edits(suffix):
    names = sorted(os.listdir(EDITS)) if os.path.isdir(EDITS) else []
    return [os.path.join(EDITS, name) for name in names if name.endswith(suffix)]


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def patched_by(edit):
    """The paths that an edit names: by its +++ lines, or a semantic patch by its `// file:` lines."""
    mark = r"\+\+\+ b/(\S+)" if edit.endswith(".patch") else r"// file: (\S+)"
    paths = [match[1] for match in map(re.compile(mark).match, lines_of(edit)) if match]
    if not paths:
        fail(f"{os.path.basename(edit)} names no file that it changes")
    return paths


def apply_patch(edit, scratch):
    result = subprocess.run(["patch", "-p1", "--batch", "--forward", "--fuzz=0", "--no-backup-if-mismatch",
                             "--reject-file=-", "-d", scratch, "-i", edit], text=True, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not result.returncode:
        return
    file = "?"
    for line in result.stdout.splitlines():
        match = re.match(r"(?:checking|patching) file (\S+)", line)
        file = match[1] if match else file
        match = re.match(r"Hunk (#\d+) FAILED at (\d+)|Reversed", line)
        if match:
            where = f"hunk {match[1]} (line {match[2]})" if match[1] else "all (it is there already)"
            print(f"{os.path.basename(edit)}: {where} of {file} does not fit", file=sys.stderr)
    fail(f"{os.path.basename(edit)} does not apply to this kernel; nothing was changed")


def apply_semantic(edit, scratch):
    for path in patched_by(edit):
        file = os.path.join(scratch, path)
        before = lines_of(file)
        subprocess.run(["spatch", "--very-quiet", "--in-place", "--sp-file", edit, file], check=True)
        if lines_of(file) == before:
            fail(f"{os.path.basename(edit)} finds nothing to change in {path}; nothing was changed")


def apply_edits(pristine, scratch):
    """Leave in scratch the kernel's files as our edits make them."""
    all_edits = edits(".patch") + edits(".cocci")
    for edit in all_edits:
        for path in patched_by(edit):
            if os.path.lexists(os.path.join(OURS, path)):
                fail(f"{os.path.basename(edit)} changes {path}, which is a file of ours")
            if not os.path.isfile(os.path.join(pristine, path)):
                fail(f"{os.path.basename(edit)} changes {path}, which this kernel has not")
            write(os.path.join(pristine, path), os.path.join(scratch, path))
    for edit in all_edits:
        (apply_patch if edit.endswith(".patch") else apply_semantic)(edit, scratch)


def listed(name, pristine):
    """The lines of a list of edits, split into words; the first is a path of the kernel."""
    names = os.path.join(EDITS, name)
    lines = [line.split() for line in lines_of(names) if line.strip() and line[0] != "#"] \
        if os.path.exists(names) else []
    for path, *_ in lines:
        if not os.path.isfile(os.path.join(pristine, path)):
            fail(f"edits/{name} names {path}, which this kernel has not")
    return lines


def removed(pristine):
    return [path for path, in listed("removed", pristine)]


def renamed(pristine):
    return listed("renamed", pristine)


def fits(pristine):
    with tempfile.TemporaryDirectory() as scratch:
        apply_edits(pristine, scratch)
        removed(pristine)
        renamed(pristine)


def clone(source, target):
    """Copy a tree as cheaply as the file system can: shared blocks, else links, else a copy."""
    part = target + ".part"
    shutil.rmtree(part, ignore_errors=True)
    probe = part + "/Makefile"
    os.mkdir(part)
    cheap = [way for way in ("--reflink=always", "--link")
             if subprocess.run(["cp", way, source + "/Makefile", probe],
                               stderr=subprocess.DEVNULL, check=False).returncode == 0]
    shutil.rmtree(part)
    subprocess.run(["cp", "-a", *cheap[:1], source, part], check=True)
    os.rename(part, target)


def over(pristine, tree):
    with tempfile.TemporaryDirectory() as scratch:
        apply_edits(pristine, scratch)
        wanted = everything(pristine)
        for path in removed(pristine):
            del wanted[path]
        changed = everything(scratch)
        for old, new in renamed(pristine):
            if old in changed:
                fail(f"edits/renamed names {old}, which an edit changes")
            wanted[new] = wanted.pop(old)
        wanted |= changed
        wanted |= our_files()
        if not os.path.exists(tree):
            clone(pristine, tree)
        sync(wanted, tree, by_time=pristine + "/")


def main():
    commands = {"snapshot": snapshot, "replace": replace, "fits": fits, "over": over}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*(os.path.abspath(arg) for arg in sys.argv[2:]))


if __name__ == "__main__":
    main()
