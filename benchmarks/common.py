"""What several benchmarks use."""

from pathlib import Path

BUNDLED = Path(__file__).parent.parent / "datasets" / "fashion_mnist"
