"""The field's benchmarks on public data sets, each in its own protocol."""
