# SPDX-License-Identifier: GPL-2.0
"""The emulators: Bochs for Intel's extended page tables, QEMU for all else."""

import os
import pty
import subprocess
import threading
from pathlib import Path

from . import image, mmu_text

PARAMETERS = ("printk.devkmsg=on loglevel=7 panic=0 rcupdate.rcu_cpu_stall_timeout=120 "
              "mitigations=off")

# The kernel refuses the XSAVE layout that Bochs 2.7 gives to models with AVX-512, which are
# also the ones with PML.
MODEL_PARAMETERS = dict.fromkeys(
    ("corei7_skylake_x", "corei3_cnl", "corei7_icelake_u", "tigerlake"), "noxsave")


class Machine:
    """One boot. `console` and `output` are the files behind the two serial ports."""
    image = "arch/x86/boot/bzImage"

    def __init__(self, options, tests, work):
        self.options = options
        self.work = work
        self.console = work / "console.log"
        self.output = work / "output.log"
        for file in (self.console, self.output):
            file.write_bytes(b"")
        self.kernel = options.kernel / self.image
        self.initramfs = image.make_initramfs(options, tests, work)
        self.parameters = " ".join(filter(None, (
            f"console={options.machine.port}0,115200", PARAMETERS, options.machine.parameters,
            f"hugepages={options.hugepages}", MODEL_PARAMETERS.get(options.model),
            options.append)))

    def start(self, serial=None):
        """Starts the emulator; `serial` is a terminal to take the first port's place."""
        screen, terminal = pty.openpty()
        threading.Thread(target=drain, args=(screen, self.work / "emulator.log"), daemon=True).start()
        self.process = subprocess.Popen(
            self.command(serial), cwd=self.work, stdin=terminal, stdout=terminal, stderr=terminal,
            start_new_session=True, env={**os.environ, "TERM": "vt100"})
        os.close(terminal)

    def running(self):
        return self.process.poll() is None

    def stop(self):
        self.process.kill()
        self.process.wait()


def drain(screen, log):
    with open(log, "wb", buffering=0) as file:
        while True:
            try:
                data = os.read(screen, 4096)
            except OSError:
                return
            file.write(data)


class Qemu(Machine):
    def command(self, serial):
        return [*self.processor(), "-smp", str(self.options.cpus), "-m", "4G",
                "-kernel", self.kernel, "-initrd", self.initramfs, "-append", self.parameters,
                "-nodefaults", "-no-reboot", "-display", "none",
                *(["-serial", serial] if serial else ["-serial", f"file:{self.console}"]),
                *self.second_port(),
                *(self.counter() if self.options.counting_clock else [])]

    def second_port(self):
        return ["-serial", f"file:{self.output}"]

    def counter(self):
        """Counts what the MMU executes, where guest/counting-clock.c reads it."""
        ranges, counter, plugin = (self.work / name for name in ("ranges", "counter", "count.so"))
        ranges.write_text("".join(
            f"{start:x} {end:x}\n" for start, end in
            mmu_text.ranges(self.options.kernel, self.options.machine.architecture)))
        counter.write_bytes(bytes(1 << 20))
        subprocess.run(["gcc", "-O2", "-Wall", "-fvisibility=hidden", "-fPIC", "-shared",
                        Path(__file__).with_name("count.c"), "-o", plugin], check=True)
        return ["-object", f"memory-backend-file,id=counter,size=1M,share=on,mem-path={counter}",
                "-device", "ivshmem-plain,memdev=counter,addr=0x10",
                "-plugin", f"{plugin},ranges={ranges},counter={counter}"]

    def accelerator(self, accelerator="tcg"):
        if self.options.icount:
            return ["-accel", "tcg", "-icount", "shift=0,sleep=off"]
        return ["-accel", accelerator]


class QemuX86(Qemu):
    def processor(self):
        # With a thread for each CPU, QEMU 10.0 corrupts hosts and guests under SVM: of 34 runs of
        # demand_paging_test -u MISSING on the unmodified kernel, two ended in exit_reason=SHUTDOWN
        # and some took the host down.  With one thread, 90 of 90 pass.
        return ["qemu-system-x86_64", "-machine", "q35", *self.accelerator("tcg,thread=single"),
                "-cpu", f"{self.options.model},+svm,+npt"]


class QemuArm(Qemu):
    image = "arch/arm64/boot/Image"

    def processor(self):
        model = self.options.model
        if model.split(",")[0] == "max":
            # The architected algorithm of pointer authentication takes most of a boot.
            model += ",pauth-impdef=on"
        return ["qemu-system-aarch64", "-machine", "virt,virtualization=on,gic-version=3",
                *self.accelerator(), "-cpu", model]


class QemuRiscv(Qemu):
    image = "arch/riscv/boot/Image"

    def processor(self):
        return ["qemu-system-riscv64", "-machine", "virt", *self.accelerator(),
                "-cpu", f"{self.options.model},h=true"]

    def second_port(self):
        """The machine has one."""
        return ["-chardev", f"file,id=output,path={self.output}", "-device", "pci-serial,chardev=output"]


BOCHSRC = """\
display_library: term
cpu: model={model}, count={cpus}, quantum={quantum}, ips=100000000
cpu: reset_on_triple_fault=0, ignore_bad_msrs=1
megs: 2048
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path={cd}, status=inserted
boot: cdrom
clock: sync=none, time0=utc
com1: enabled=1, mode={mode}, dev={console}
com2: enabled=1, mode=file, dev={output}
log: bochs.log
panic: action=report
error: action=ignore
info: action=ignore
debug: action=ignore
"""


class Bochs(Machine):
    def command(self, serial):
        cd = image.make_cd(self.kernel, self.initramfs, self.parameters, self.work)
        (self.work / "bochsrc").write_text(BOCHSRC.format(
            model=self.options.model, cpus=self.options.cpus,
            # One CPU takes no turns, but Bochs wants a number.
            quantum=self.options.quantum or 1, cd=cd, output=self.output,
            mode="term" if serial else "file", console=serial or self.console))
        # Debian's build has the debugger, which waits for a word before it starts the CPU.
        (self.work / "debugger").write_text("c\n")
        return ["bochs", "-q", "-f", self.work / "bochsrc", "-rc", self.work / "debugger"]


EMULATORS = {"npt": QemuX86, "ept": Bochs, "riscv": QemuRiscv,
             **dict.fromkeys(("vhe", "nvhe", "protected", "nested"), QemuArm)}
