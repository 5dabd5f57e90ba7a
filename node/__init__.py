"""The village and township program, command lianban-node."""
