"""Stop signals arrive, whichever thread of the process gets them."""

import signal
import subprocess
import sys

import pytest

# The signal goes to a thread other than the main thread.
_OTHER_THREAD = """
import signal, sys, threading, time
from serving.process.stop_signals import StopSignals

def be_hit(number):
    time.sleep(0.2)  # so that the main thread waits by then
    signal.pthread_kill(threading.get_ident(), number)
    time.sleep(60)

signals = StopSignals()
for number in map(int, sys.argv[1:]):
    threading.Thread(target=be_hit, args=(number,), daemon=True).start()
    print(signals.wait(), flush=True)
"""

_TWICE = """
import signal, time
from serving.process.stop_signals import StopSignals

signals = StopSignals()
signal.raise_signal(signal.SIGTERM)
signals.wait()
signals.exit_on_next()
print("draining", flush=True)
signal.raise_signal(signal.SIGINT)
time.sleep(60)
"""


def run(code: str, *arguments: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_arrives_when_another_thread_gets_it(number: signal.Signals):
    ended = run(_OTHER_THREAD, number, number)
    assert ended.stdout.split() == [str(int(number))] * 2
    assert ended.returncode == 0


def test_second_signal_ends_the_process_with_its_number():
    ended = run(_TWICE)
    assert ended.stdout == "draining\n"
    assert ended.returncode == 128 + signal.SIGINT
