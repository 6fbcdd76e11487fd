"""What ``make bench`` runs: the benchmarks whose figures users and developers rely on.

The others in this folder look for faults (``fuzz_…``, ``timm_sweep``) or settled a question once.
"""

from dataclasses import dataclass

STORE = "{store}"
"""Stands for the store in the arguments."""
BUNDLED = "datasets/fashion_mnist/model"


@dataclass(frozen=True)
class Benchmark:
    """A script and its arguments.

    Attributes
    ----------
    script
        Below ``benchmarks/``.
    quick
        Arguments for a try that shows within a minute or so that everything works.
    limit
        Seconds after which it is ended.
    """

    script: str
    arguments: str = ""
    quick: str = ""
    limit: int = 300


PLAN = {
    "starting": Benchmark("serving/starting.py", f"{STORE} --repeats 5", f"{STORE} --repeats 1"),
    "brushing": Benchmark(
        "page/brushing.py", STORE, f"{STORE} --sizes 14000 --repeats 2", limit=900
    ),
    "density": Benchmark("page/density.py", "--points 1000000", "--points 50000 --repeats 2"),
    "hover": Benchmark("page/hover.py", "--moves 40", "--moves 5"),
    "gallery": Benchmark("page/gallery.py", STORE, f"{STORE} --images 3000 --rounds 2"),
    "load": Benchmark(
        "serving/load.py", f"{STORE} --sessions 20 50 --seconds 40",
        f"{STORE} --sessions 2 --seconds 3",
    ),
    "report": Benchmark("page/report.py", "", "--images 100"),
    "memory": Benchmark("analysis/memory.py", "--images 300", "--images 20", limit=600),
    "importance": Benchmark("analysis/importance.py", "--images 4", "--images 2 --repeats 2"),
    "partial_pruning": Benchmark(
        "analysis/partial_pruning.py", f"--model {BUNDLED}", f"--model {BUNDLED} --repeats 2"
    ),
    "what_if": Benchmark("analysis/what_if.py", STORE, STORE),
    "curve": Benchmark("analysis/curve.py", f"{STORE} 24", f"{STORE} 2"),
    "compensation": Benchmark("analysis/compensation.py", STORE, f"{STORE} 2 1"),
    "pairs": Benchmark("analysis/pairs.py", f"{STORE} 2", f"{STORE} 1 20"),
    "explain": Benchmark("analysis/explain.py", f"{STORE} 5", f"{STORE} 2"),
    "explain_peers": Benchmark("analysis/explain_peers.py", f"{STORE} 5", f"{STORE} 1"),
    "explain_page": Benchmark("page/explain.py", f"{STORE} 10", f"{STORE} 2"),
    "names": Benchmark("measures/names.py", "--matrices 2000", "--matrices 200"),
    "trends": Benchmark("measures/trends.py", "--sizes bundled ViT-B/16",
                        "--permutations 50 --sizes bundled"),
    "two_stores": Benchmark("measures/two_stores.py", f"{STORE} --times 200",
                            f"{STORE} --times 20"),
    "store": Benchmark("stores/store.py", f"--model {BUNDLED}", f"--model {BUNDLED} --images 2"),
}  # fmt: skip
"""By the name that ``make bench BENCH=…`` takes."""
