"""What does reading a watch log cost, with our rows over the csv module and with pandas?

    python benchmarks/watch_log.py [--rows N] [--repetitions N]

Both read the same file of five columns into the same arrays, each in a process of its own: seconds of the processor for the
import and for the reading, and by how much the peak of its memory grew (Linux only). Ours checks every row and counts
repetitions; pandas reads text, as it must where `007` and `7` are two users, a chunk at a time, and converts the columns
without any check.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from gdt_tutorial.seeding import stream

_MEASURE = """
import re, sys, time
from pathlib import Path
import numpy as np
def peak_mb():  # of this program: what getrusage says may be the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6
path, before_mb, start_s = sys.argv[1], peak_mb(), time.process_time()
{imports}
read_s = time.process_time()
{reading}
end_s = time.process_time()
print(read_s - start_s, end_s - read_s, peak_mb() - before_mb)
"""
_READERS = {
    "ours": (
        "from gdt_tutorial.physical.logs.watch_logs import read_watch_log",
        "log = read_watch_log(path)",
    ),
    "pandas": (
        "import pandas as pd",
        """
chunks = pd.read_csv(path, dtype=str, keep_default_na=False, chunksize=20_000)
kinds = {"user_id": np.int64, "video_id": np.int64, "time_ms": np.int64, "play_time_ms": float, "duration_ms": float}
parts = [{name: chunk[name].to_numpy().astype(kind) for name, kind in kinds.items()} for chunk in chunks]
log = {name: np.concatenate([part.pop(name) for part in parts]) for name in kinds}
""",
    ),
}


def write_log(path: Path, n_rows: int) -> None:
    """Write a log of a thousand users and a million videos."""
    rng = stream(0, "benchmark log")
    columns = rng.integers([1_000, 1_000_000, 10**12, 60_000, 5_000], size=(n_rows, 5)) + [0, 0, 0, 0, 5_000]
    with path.open("w") as file:
        file.write("user_id,video_id,time_ms,play_time_ms,duration_ms\n")
        file.writelines(f"{','.join(map(str, row))}\n" for row in columns.tolist())


def measure(reader: str, path: Path) -> tuple[float, float, float]:
    """Return the seconds of the import, those of the reading, and the megabytes that the process grew by."""
    imports, reading = _READERS[reader]
    code = _MEASURE.replace("{imports}", imports).replace("{reading}", reading)
    run = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    first, second, third = map(float, run.stdout.split())
    return first, second, third


def main() -> int:
    """Print one line for each reader."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the log")
    parser.add_argument("--repetitions", type=int, default=3, help="processes of each kind, taken in turns")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        write_log(path, arguments.rows)
        runs = [{reader: measure(reader, path) for reader in _READERS} for _ in range(arguments.repetitions)]
    for reader in _READERS:
        import_s, read_s, grown_mb = (median(run[reader][place] for run in runs) for place in range(3))
        print(
            f"{reader}: import {import_s:.2f} s, {arguments.rows:,} rows in {read_s:.2f} s of the processor, "
            f"memory grew by {grown_mb:.0f} MB"
        )
    ratios = sorted(run["ours"][1] / run["pandas"][1] for run in runs)
    print(f"time to read, ours / pandas: median {median(ratios):.2f} (min {ratios[0]:.2f}, max {ratios[-1]:.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
