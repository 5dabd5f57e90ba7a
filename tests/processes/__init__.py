"""End-to-end tests of the two programs as real processes: commands, servers, kills, cut links, TLS."""
