"""The county program, command lianban-hub."""
