"""The event loop of the process, in a thread of its own."""

import asyncio
import functools
import threading


@functools.cache
def event_loop() -> asyncio.AbstractEventLoop:
    """The loop in which all servers of the process run; started by the first call.

    One for all, because gRPC's event queue belongs to one loop.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="event-loop", daemon=True).start()
    return loop
