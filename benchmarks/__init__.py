"""What has to be measured rather than promised: `make bench-...`; the results lie in `results`."""
