"""Grading on a Dask cluster: any scheduler, any workers that have the same grader installed."""

from __future__ import annotations

import importlib.util
import logging
import queue
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grader.classroom.errors import ClassError, ClassFault
from grader.classroom.station import Setup
from grader.classroom.terms import environment_id, grader_hash

if TYPE_CHECKING:
    from distributed import Client, Future
    from distributed.security import Security

CONNECT_S = 20.0
#: A worker that has just come imports torch first.
OPEN_S = 300.0
#: Without any sign of the scheduler for so long, it is gone.
GONE_S = 10.0
#: Of Dask's own: a task whose worker dies is given to another, so often.
_RETRIES = 3
_AGAIN = "the same command goes on from there once the scheduler is back"


@dataclass(frozen=True)
class Tls:
    """Files of a `tls://` scheduler: the authority's certificate, ours, and its private key."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def security(self) -> Security | None:
        """None without any of the files."""
        from distributed.security import Security

        if not (self.ca or self.cert or self.key):
            return None
        return Security(
            tls_ca_file=self.ca,
            tls_client_cert=self.cert,
            tls_client_key=self.key,
            require_encryption=True,
        )


class Cluster:
    """An executor; work travels to the workers as bytes and comes back as dictionaries."""

    def __init__(self, address: str, setup: Setup, tls: Tls) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise ClassError(
                "`--scheduler` needs Dask's `distributed`, which is not installed",
                'run `python -m pip install -e ".[cluster]" -c constraints.txt`',
            )
        if address.startswith("tls://") and not (tls.ca and tls.cert and tls.key):
            raise ClassError(
                f"`{address}` needs certificates", "name `--tls-ca`, `--tls-cert` and `--tls-key`"
            )
        self._address = address
        self._setup = setup
        self._tls = tls
        self._client: Client | None = None
        self._results: queue.Queue[tuple[str, Future[Any]]] = queue.Queue()
        self._outstanding: dict[str, tuple[Future[Any], float]] = {}
        self._work: dict[str, Mapping[str, Any]] = {}
        self._again: dict[str, int] = {}
        self._name = f"dqn-grader-{uuid.uuid4().hex[:8]}"

    def __enter__(self) -> Cluster:
        from distributed import Client

        from grader.classroom.remote import Slots

        # What goes wrong is told by this class, once; Dask's loggers tell it at length.
        logging.disable(logging.CRITICAL)
        try:
            self._client = Client(
                self._address,
                security=self._tls.security(),
                timeout=CONNECT_S,
                name=self._name,
                set_as_default=False,
            )
            self._client.register_plugin(Slots(self._setup, self._name), name=self._name)
        except (OSError, TimeoutError, ValueError) as error:
            logging.disable(logging.NOTSET)
            raise ClassError(
                f"no Dask scheduler answers at `{self._address}`: {error}",
                "start one: `dask scheduler`; its first lines name its address",
            ) from None
        return self

    def __exit__(self, *_exception: object) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            if client.status == "running":
                client.cancel([future for future, _begun in self._outstanding.values()], force=True)
                client.unregister_worker_plugin(self._name)
        except Exception:
            pass  # a scheduler that is gone has nothing left to be told
        finally:
            client.close(timeout=2)
            logging.disable(logging.NOTSET)

    @property
    def capacity(self) -> int:
        """One more for each thread of the workers, so that none waits."""
        threads = sum(w["nthreads"] for w in self._workers().values())
        return max(2, 2 * int(threads))

    def environments(self) -> Sequence[Mapping[str, Any]]:
        """Of every worker that is there by now."""
        from grader.classroom.remote import look

        client = self._running()
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError:
            raise ClassError(
                f"the scheduler at `{self._address}` has no workers",
                f"start some: `dask worker {self._address}`",
            ) from None
        futures = {
            worker: client.submit(
                look, self._name, workers=[worker], allow_other_workers=False, pure=False
            )
            for worker in self._workers()
        }
        found: dict[str, Mapping[str, Any]] = {}
        for worker, future in futures.items():
            entry = self._opened(worker, future)
            if entry is not None:
                found[environment_id(entry)] = entry
        if not found:
            raise ClassFault("every worker was lost while it got ready", _AGAIN)
        return list(found.values())

    def _opened(self, worker: str, future: Future[Any]) -> Mapping[str, Any] | None:
        """The environment of a worker; None when it has gone meanwhile."""
        try:
            opened = future.result(timeout=OPEN_S)
        except (ImportError, AttributeError) as error:
            raise ClassError(f"worker `{worker}`: {error}", _SAME) from None
        except Exception:
            self._require_scheduler()
            return None
        if opened["status"] == "refused":
            raise ClassError(f"worker `{worker}`: {opened['reason']}", opened["remedy"])
        if opened["status"] == "fault":
            raise ClassFault(f"worker `{worker}`: {opened['reason']}", "look at its log")
        if opened["grader"] != grader_hash():
            raise ClassError(f"worker `{worker}` has another version of the grader", _SAME)
        entry: Mapping[str, Any] = opened["environment"]
        return entry

    def hand_out(self, work: Mapping[str, Any]) -> None:
        """To whichever worker is free."""
        from grader.classroom.remote import grade_there

        future = self._running().submit(
            grade_there, dict(work), self._name, pure=False, retries=_RETRIES
        )
        sha256 = work["submission"]
        self._work[sha256] = work
        self._outstanding[sha256] = (future, time.monotonic())
        future.add_done_callback(lambda done: self._results.put((sha256, done)))

    def result(self) -> dict[str, Any]:
        """Waits for the next; raises `ClassFault` when the scheduler is gone."""
        while True:
            try:
                sha256, future = self._results.get(timeout=1.0)
            except queue.Empty:
                self._require_scheduler()
                continue
            result = self._taken(sha256, future)
            if result is not None:
                return result

    def under_way(self) -> list[tuple[str, float]]:
        """What has been handed out, which may still wait for a worker."""
        clock = time.monotonic()
        return [(sha256, clock - begun) for sha256, (_f, begun) in [*self._outstanding.items()]]

    def _taken(self, sha256: str, future: Future[Any]) -> dict[str, Any] | None:
        """The result of a future; None when it was handed out once more."""
        known = self._outstanding.get(sha256)
        if known is None or known[0] is not future:
            return None  # of a first try that was given up
        try:
            result: dict[str, Any] = future.result(timeout=GONE_S)
        except Exception as error:
            self._require_scheduler()
            self._again[sha256] = self._again.get(sha256, 0) + 1
            if self._again[sha256] < _RETRIES:
                self.hand_out(self._work[sha256])
                return None
            told = f"{type(error).__name__}: {error}"[:300]
            result = {"submission": sha256, "status": "fault", "reason": told}
        self._outstanding.pop(sha256, None)
        self._work.pop(sha256, None)
        return result

    def _require_scheduler(self) -> None:
        """Give it some time: a client tries to connect again by itself."""
        client = self._running()
        end = time.monotonic() + GONE_S
        while client.status != "running":
            if time.monotonic() > end or client.status in ("closed", "closing"):
                raise ClassFault(f"the Dask scheduler at `{self._address}` is gone", _AGAIN)
            time.sleep(0.2)

    def _workers(self) -> Mapping[str, Any]:
        info: Mapping[str, Any] = self._running().scheduler_info(n_workers=-1)["workers"]
        return info

    def _running(self) -> Client:
        assert self._client is not None, "not entered"
        return self._client


_SAME = "install the same version of the grader on every worker"
