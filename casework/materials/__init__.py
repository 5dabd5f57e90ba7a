"""From an uploaded file to bounded pages: read the upload, open it in a confined child, hand back page files.

Nothing here trusts the file, its name or its declared type; only `child` and what it imports decode it.
"""
