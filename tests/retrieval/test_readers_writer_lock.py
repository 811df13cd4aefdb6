"""Who waits for whom; threads meet at barriers and events, not by sleeping."""

import threading

import pytest

from fitrank_tf.retrieval.readers_writer_lock import ReadersWriterLock

_DEADLINE = 10.0


def start(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def finish(thread: threading.Thread) -> None:
    thread.join(_DEADLINE)
    assert not thread.is_alive()


def test_readers_are_in_together() -> None:
    lock, both = ReadersWriterLock(), threading.Barrier(2, timeout=_DEADLINE)

    def read() -> None:
        with lock.reading():
            both.wait()

    other = start(read)
    read()
    finish(other)
    assert not both.broken


def test_a_writer_waits_for_readers_and_new_readers_for_the_writer() -> None:
    lock, order = ReadersWriterLock(), []

    def write() -> None:
        with lock.writing():
            order.append("write")

    def read() -> None:
        with lock.reading():
            order.append("read")

    with lock.reading():
        writer = start(write)
        wait_until(lambda: lock._waiting_writers == 1)
        reader = start(read)
        assert order == []
    finish(writer)
    finish(reader)
    assert order == ["write", "read"]


def wait_until(true) -> None:
    ticks = threading.Event()
    for _ in range(1000):
        if true():
            return
        ticks.wait(_DEADLINE / 1000)
    pytest.fail("waited in vain")


def test_one_writer_at_a_time() -> None:
    lock, count = ReadersWriterLock(), [0]

    def write() -> None:
        for _ in range(300):
            with lock.writing():
                seen = count[0]
                threading.Event().wait(0)
                count[0] = seen + 1

    threads = [start(write) for _ in range(4)]
    for thread in threads:
        finish(thread)
    assert count == [1200]


def test_an_error_inside_lets_go() -> None:
    lock = ReadersWriterLock()
    for hold in (lock.reading, lock.writing):
        with pytest.raises(KeyError), hold():
            raise KeyError
    with lock.writing():
        pass
