"""What a call costs through the gateway, beside a bare nginx and Envoy in the same run: `make bench` (see docs/benchmarks.md)."""
