"""A process waits at its end for solvers that have not noticed that they should stop, unless it is told not to."""

import signal
import subprocess
import sys
import time

INTERRUPTED = 130
SLOW = """
import time
from polycloud.placement.solve import highs

class Events(list):
    def __iadd__(self, event):
        self.append(event)
        return self

class Slow:
    def __init__(self):
        self.cbMipInterrupt, self.cbSimplexInterrupt, self.cbIpmInterrupt = Events(), Events(), Events()
    def clearCallbacks(self):
        pass
    def run(self):
        for _ in range({tenths}):
            time.sleep(0.1)
        print("solver ended", flush=True)

print("noticed", highs.watched(Slow(), lambda: False), flush=True)
"""


def test_a_solver_that_is_left_to_itself_is_waited_for() -> None:
    done = subprocess.run([sys.executable, "-c", SLOW.format(tenths=15)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "noticed False\nsolver ended\n", "")


def test_an_interrupt_ends_the_wait() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLOW.format(tenths=600)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "noticed False\n"
        for _ in range(100):  # the first may come before the wait has begun
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
            if process.poll() is not None:
                break
        assert process.wait(30) == INTERRUPTED
        assert "terminate called" not in process.stderr.read()
