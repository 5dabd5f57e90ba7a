"""Every bound on the wire and in the store, with its unit, in one place (SPEC section 3).

A bound is checked before anything is allocated for what it bounds. The asserts at the end keep the bounds
consistent with one another: whoever changes one learns here what else must change.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

INT_MAX = 2**53 - 1
"""Largest integer of a clear field, but for marks: what every language can hold exactly."""

DEPTH_MAX = 8
HEADER_BYTES_MAX = 8 * KIB
BODY_BYTES_MAX = 48 * KIB
BLOBS_PER_ENTRY_MAX = 128
"""A file of fifty pages comes in one change, each page with its preview."""
EPOCH_MAX = 2**31 - 1
"""An epoch and a number share one signed 64-bit integer (`entries.mark`)."""
AUTHOR_MAX = 2**32 - 1
SERIAL_MAX = 2**32 - 1

SEGMENT_ENTRIES_MAX = 32
SEGMENT_PAYLOAD_BYTES_MAX = 64 * KIB
"""Signatures stand at most this far apart; one entry may always stand alone."""

FRAME_BYTES_MAX = 128 * KIB
BLOB_CHUNK_BYTES_MAX = 64 * KIB
BLOB_BYTES_MAX = 64 * MIB
PIECE_BYTES = 4 * KIB
"""A cut loses half of one on average: a thirtieth of a second on 3G. Smaller ones would cost more in digests."""
PIECE_DIGEST_BYTES = 16
FRAMES_PER_MESSAGE_MAX = 16_384
"""Decoding a frame costs far more than sending one: 16 MiB of empty frames are some bytes on the wire."""
WANTS_MAX = 64
VECTOR_BRANCHES_MAX = 2000
RECEIPT_BLOBS_MAX = 256
RUN_EXCEPTIONS_MAX = 256
RUNS_PER_RECORD_MAX = 64
GRANT_HEADS_MAX = 512
OPENING_WRAPS_MAX = 4
WRAP_BYTES_MAX = 256
SHARES_PER_ENTRY_MAX = 64
FAULTS_MAX = 32
FORK_PROOF_BYTES_MAX = 4 * KIB

MESSAGE_BYTES_MAX = 4 * MIB
"""A request or reply as it travels, compressed."""
MESSAGE_UNPACKED_BYTES_MAX = 16 * MIB
"""The same after decompression."""
UPLOAD_TARGET_BYTES = 1 * MIB
"""What one message aims to carry at most; a larger backlog goes in several."""
ANSWER_BLOB_BYTES = 256 * KIB
"""What one answer carries of scans: half a minute at 64 kbit/s; the asker asks again at once."""
ZSTD_WINDOW_LOG_MAX = 23

BUNDLE_HEAD_BYTES_MAX = 8 * KIB
BUNDLE_CERTIFICATES_MAX = 4

TOKEN_BYTES_MAX = 256
CERTIFICATE_BYTES_MAX = 1 * KIB
REPORT_BYTES_MAX = 256
REPORTS_PER_MESSAGE_MAX = 128
"""A township passes on those of its villages; more than this go with the next message."""
STATEMENT_BYTES_MAX = 544
"""A QR code of version 20 with error correction M holds one, in base32, beside an address."""
STATEMENT_PAYLOAD_BYTES_MAX = 256
TOKEN_SECONDS = 72 * 3600
NONCES_PER_PEER_MAX = 8
NONCES_REMEMBERED_MAX = 32
"""More than a peer has: those that an answer under way brings, or that a cut took along, must not push out the ones
that it still holds."""
LONG_POLL_SECONDS_MAX = 50

assert SEGMENT_PAYLOAD_BYTES_MAX >= HEADER_BYTES_MAX + BODY_BYTES_MAX
assert FRAME_BYTES_MAX > SEGMENT_PAYLOAD_BYTES_MAX + HEADER_BYTES_MAX + BODY_BYTES_MAX // 2
assert FRAME_BYTES_MAX > BLOB_CHUNK_BYTES_MAX + KIB
assert FRAME_BYTES_MAX > VECTOR_BRANCHES_MAX * 60
assert MESSAGE_UNPACKED_BYTES_MAX > UPLOAD_TARGET_BYTES + FRAME_BYTES_MAX
assert MESSAGE_BYTES_MAX > UPLOAD_TARGET_BYTES
assert FORK_PROOF_BYTES_MAX > 2 * SEGMENT_ENTRIES_MAX * 36 + 300
assert FRAMES_PER_MESSAGE_MAX > UPLOAD_TARGET_BYTES // 80
assert SHARES_PER_ENTRY_MAX * (WRAP_BYTES_MAX + 40) < BODY_BYTES_MAX
assert STATEMENT_BYTES_MAX >= STATEMENT_PAYLOAD_BYTES_MAX + 4 * 64 + 32
assert BLOBS_PER_ENTRY_MAX * 48 < HEADER_BYTES_MAX
