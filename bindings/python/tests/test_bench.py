"""The benchmarks run, their sums are right, and their rows have the shape of those of `make bench`."""

import json
import pathlib
import subprocess
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench" / "bench.py"


def test_rows(tmp_path):
    pytest.importorskip("numpy")
    if not BENCH.exists():
        pytest.skip("the benchmarks are not here")
    path = tmp_path / "bench.json"
    path.write_text(json.dumps([{"name": "pipeline-1"}, {"name": "python-one"}]))
    done = subprocess.run(
        [sys.executable, str(BENCH), "--quick", "--runs", "1", "--no-peers", "--json", str(path)],
        capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(path.read_text())}
    assert list(rows) == ["pipeline-1", "python-one", "python-list", "python-numpy", "python-coroutine",
                          "python-import", "python-1MiB", "python-beside"]
    for name in list(rows)[1:]:
        row = rows[name]
        assert row["value"] > 0 and isinstance(row["met"], bool)
        assert set(row) == {"name", "value", "unit", "peer", "peer_value", "ratio", "limit", "limit_name",
                            "budget", "met", "better", "others", "runs", "quick", "machine"}
    assert rows["python-list"]["value"] > rows["python-one"]["value"] / 3


def test_peers_check_their_sums():
    if not BENCH.exists():
        pytest.skip("the benchmarks are not here")
    sys.path.insert(0, str(BENCH.parent))
    try:
        import peers
    finally:
        sys.path.remove(str(BENCH.parent))
    assert [peers.expected(n) for n in (0, 1, 3, 256, 600)] == [
        2 * sum(i & 255 for i in range(n)) for n in (0, 1, 3, 256, 600)]
    with pytest.raises(AssertionError):
        peers.check(1, 3)
    assert peers.asyncio_queues(300) > 0
    assert peers.asyncio_tasks(300) > 0
