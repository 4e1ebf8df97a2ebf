"""Run one notebook with papermill, in a process whose only child is the kernel: `python -m book.run_notebook JOB`."""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

# Checking a notebook would build the grammar of international addresses first, which takes a second; notebooks have none.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def run(job: dict[str, Any]) -> None:
    """Execute with papermill; the kernel is this process's only child, so its cost is the children's."""
    import papermill

    start_s = time.perf_counter()
    papermill.execute_notebook(
        job["notebook"],
        job["out"],
        parameters=job["parameters"],
        kernel_name="python3",
        language="python",
        cwd=str(Path(job["notebook"]).parent),
        progress_bar=False,
        request_save_on_cell_execute=False,
        autosave_cell_every=0,
    )
    seconds = time.perf_counter() - start_s
    kernel = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Linux counts ru_maxrss in KiB, macOS in bytes.
    unit_byte = 1 if sys.platform == "darwin" else 1024
    cost = {
        "cpu_s": kernel.ru_utime + kernel.ru_stime,
        "seconds": seconds,
        "peak_mb": kernel.ru_maxrss * unit_byte / 1e6,
    }
    Path(job["report"]).write_text(json.dumps(cost))


if __name__ == "__main__":
    run(json.loads(sys.argv[1]))
