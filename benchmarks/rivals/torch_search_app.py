"""A search service on FastAPI, PyTorch and faiss: the other side of the serving benchmark.

`python -m benchmarks.rivals.torch_search_app FOLDER --port 8000` serves what
`torch_search_files` wrote. A process a core with one thread each: models of this size gain
nothing from two cores for one query, and the cores are then never idle.
"""

import argparse
import os
from pathlib import Path

import faiss
import fastapi
import pydantic
import torch
import uvicorn

from benchmarks.rivals.torch_search import Answer, TorchSearch

_FOLDER = "TORCH_SEARCH_FOLDER"


class Question(pydantic.BaseModel):
    """The body of a request."""

    query: str


def create_app() -> fastapi.FastAPI:
    """The service of the folder that the environment names."""
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    service, app = TorchSearch(Path(os.environ[_FOLDER])), fastapi.FastAPI()
    service.search(["warm up"])

    # In FastAPI's thread pool: while PyTorch works, other requests are read and written.
    @app.post("/search")
    def search(question: Question) -> Answer:
        [answer] = service.search([question.query])
        return answer

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="of the files")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    os.environ[_FOLDER] = options.folder
    # Each worker limits its own threads too; this is for what is started before.
    os.environ["OMP_NUM_THREADS"] = "1"
    uvicorn.run(
        f"{__spec__.name}:create_app",
        factory=True,
        host="127.0.0.1",
        port=options.port,
        workers=options.workers,
        # A client that thinks for a while keeps its connection.
        timeout_keep_alive=120,
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
