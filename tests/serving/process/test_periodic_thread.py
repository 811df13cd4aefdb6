"""The action is called again and again, whatever it raises, until the thread is stopped."""

import threading

from serving.process.periodic_thread import PeriodicThread

PATIENCE = 60.0


def test_action_is_repeated_after_an_error(caplog):
    calls, third = [], threading.Event()

    def act() -> None:
        calls.append(None)
        if len(calls) == 3:
            third.set()
        raise OSError("scripted")

    thread = PeriodicThread("tester", act, 0.001)
    assert third.wait(PATIENCE)
    thread.stop()
    assert "tester: failed, and goes on" in caplog.text
    assert not thread._thread.is_alive()


def test_stop_waits_for_the_call_in_progress_and_may_be_called_from_it():
    entered, release, done = threading.Event(), threading.Event(), threading.Event()

    def act() -> None:
        entered.set()
        release.wait(PATIENCE)
        thread.stop()
        done.set()

    thread = PeriodicThread("tester", act, 0.001)
    assert entered.wait(PATIENCE)
    release.set()
    thread.stop()
    assert done.is_set()
