"""What runs the programs for people: setup, checks and the demo county. Not part of the wheel."""
