"""Performance figures: each program prints what it measured beside a limit or a peer measured in the same run."""
