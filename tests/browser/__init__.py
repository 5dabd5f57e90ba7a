"""Every desk in a real Chromium, against real programs on loopback."""
