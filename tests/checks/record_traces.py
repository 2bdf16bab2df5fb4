"""Record what the solution answers to the questions of some checks, through a real worker.

Run it from the repository's root when the questions have changed:

    python tests/checks/record_traces.py
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import zlib
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
RECORDED = {
    "q_network": ("initial_weights", "output_layer", "rows_independent", "gradients"),
    "sample": ("returns_batch", "shapes", "dtypes", "values", "alignment", "not_consumed"),
    "update": (
        "learns",
        "small_buffer",
        "td_target",
        "terminal",
        "clipping",
        "one_step",
        "one_batch",
        "returned_loss",
        "target_untouched",
    ),
    "update_target": ("copies", "q_net_kept", "independent", "repeated"),
}


def main() -> None:
    """Write one file of requests and replies for each part."""
    sys.path.insert(0, str(ROOT))
    from grader.client import Worker
    from grader.sandbox.intake import take_in
    from grader.sandbox.plain import start_plain

    helpers_file = Path(__file__).with_name("conftest.py")
    spec = importlib.util.spec_from_file_location("conftest", helpers_file)
    assert spec is not None
    assert spec.loader is not None
    helpers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(helpers)

    class Recorder(Worker):
        """A worker that keeps what was asked and answered."""

        def ask(self, body, kind, **limits):
            reply = super().ask(body, kind, **limits)
            question = hashlib.sha256(msgspec.msgpack.encode(body)).digest()
            kept.setdefault(question, msgspec.msgpack.encode(reply))
            return reply

    host = start_plain(take_in(ROOT / "solution").files)
    try:
        for part, checks in RECORDED.items():
            kept: dict[bytes, bytes] = {}
            runner = helpers.Runner(Recorder(host), part)
            for check in checks:
                outcome = runner.run(f"{part}.{check}")
                if outcome is not None:
                    raise SystemExit(f"the solution fails {part}.{check}: {outcome}")
            path = helpers.TRACES / f"{part}.msgpack.z"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(msgspec.msgpack.encode(kept), 9))
            print(f"{path.name}: {len(kept)} scenarios, {path.stat().st_size:,} bytes")
    finally:
        host.close()


if __name__ == "__main__":
    main()
