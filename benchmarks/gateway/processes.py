"""Processes of a gateway: started on a core, found with all they start, measured, and ended for certain."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 10.0
_LIBC = ctypes.CDLL(None, use_errno=True)


class Process:
    """A child on one core; ends when the benchmark does, however that ends."""

    def __init__(
        self, command: Sequence[str], core: int, log: Path, environment: Mapping[str, str] | None = None, **pipes: int
    ) -> None:
        def prepare() -> None:
            os.sched_setaffinity(0, {core})
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

        with log.open("ab") as errors:
            self.popen = subprocess.Popen(
                command,
                env={**os.environ, **(environment or {})},
                stdin=pipes.get("stdin", subprocess.DEVNULL),
                stdout=pipes.get("stdout", errors),
                stderr=errors,
                start_new_session=True,  # ctrl-C reaches the benchmark alone, which then stops everything
                preexec_fn=prepare,
            )

    def family(self) -> list[int]:
        """This process and all below it that are alive."""
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if fields[0] != "Z":
                        children.setdefault(int(fields[1]), []).append(int(entry.name))
        found, queue = [], [self.popen.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            queue += children.get(pid, [])
        return found

    def stop(self) -> None:
        family = self.family()
        self.popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(STOP_SECONDS)
        for pid in family:  # none of these ids can have been given anew while its parent was ours
            if pid == self.popen.pid:
                if self.popen.poll() is None:
                    self.popen.kill()
            elif _alive(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.popen.wait()


def _alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def cpu_ns(pid: int) -> int:
    """CPU time of all threads of ``pid`` so far, user and system, as the kernel's scheduler counts it.

    The clock of another process, clock_getcpuclockid(3): nanoseconds, threads that have ended included.
    What the kernel does for a process in interrupts (the loopback's other half) is counted to whom it
    interrupts, the same for all gateways.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return 0


def memory_mb(pid: int) -> dict[str, float]:
    """Resident set, its peak, and proportional set size in MB (10^6 bytes)."""
    folder, found = Path("/proc") / str(pid), {}
    with contextlib.suppress(OSError):
        lines = (folder / "smaps_rollup").read_text().splitlines() + (folder / "status").read_text().splitlines()
        names = {"Rss": "rss", "Pss": "pss", "VmHWM": "peak"}
        for line in lines:
            name, _, rest = line.partition(":")
            if name in names:
                found[names[name]] = round(int(rest.split()[0]) * 1024 / 1e6, 1)
    return found


def command_line(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def core_busy_seconds(core: int) -> float:
    """What a core has worked since the machine started, for anyone (10 ms grain)."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *values = line.split()
        if name == f"cpu{core}":
            user, nice, system, _, _, irq, softirq, steal, *_ = map(int, values)
            return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return 0.0


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for ``condition``, asked every 50 ms. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)
