"""Scripts that measure what README.md publishes: see benchmarks/README.md."""
