"""A replication library: signed feeds, order, exchange, blobs. It never knows what a case is."""
