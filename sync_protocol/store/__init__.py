"""Adapters: the database and the blob files behind the rules of `sync_protocol`."""
