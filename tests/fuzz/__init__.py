"""Foreign bytes in front of every parser: only the documented refusal comes out, in bounded steps and memory."""
