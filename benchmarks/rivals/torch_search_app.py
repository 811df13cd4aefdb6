"""A search service on FastAPI, PyTorch and faiss: the alternative in the serving benchmark.

`python -m benchmarks.rivals.torch_search_app FOLDER --port 8000` serves the files that
`torch_search_files` wrote. It runs one process per core with one thread each, because
models of this size gain nothing from two cores for one query.
"""

import argparse
import os
import socket
from pathlib import Path

import faiss
import fastapi
import pydantic
import torch
import uvicorn
import uvicorn.supervisors

from benchmarks.rivals.torch_search import SearchResult, TorchSearch

_FOLDER = "TORCH_SEARCH_FOLDER"


class SearchRequest(pydantic.BaseModel):
    """The body of a request."""

    query: str


def create_app() -> fastapi.FastAPI:
    """The service for the directory named in the environment."""
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    service, app = TorchSearch(Path(os.environ[_FOLDER])), fastapi.FastAPI()
    service.search("warm up")

    # Not async, so it runs in a thread pool: other requests are read and written meanwhile.
    @app.post("/search")
    def search(request: SearchRequest) -> SearchResult:
        return service.search(request.query)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def main() -> None:
    """Serves until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="directory with the files")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    os.environ[_FOLDER] = options.folder
    # Each worker limits its threads too; this covers libraries that read it at import.
    os.environ["OMP_NUM_THREADS"] = "1"
    config = uvicorn.Config(
        f"{__spec__.name}:create_app",
        factory=True,
        workers=options.workers,
        # Idle clients keep their connections between turns.
        timeout_keep_alive=120,
        access_log=False,
        log_level="warning",
    )
    # A socket that uvicorn makes for several workers names no protocol, so that asyncio
    # leaves Nagle's algorithm on: each answer would wait 40 ms for an acknowledgement.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", options.port))
        uvicorn.supervisors.Multiprocess(config, sockets=[listener]).run()


if __name__ == "__main__":
    main()
