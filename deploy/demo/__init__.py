"""The demo: a real small county on this machine, every program a process of its own."""
