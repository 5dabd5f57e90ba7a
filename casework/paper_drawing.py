"""PDFs of papers, drawn in a child process: font and library take a hundred megabytes, which the server gets back.

One JSON question on the child's stdin, the PDF on its stdout.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from casework.paper_form import Paper, from_plain, to_plain
from casework.paper_formats import FORMATS, Format

Draw = Callable[[Sequence[Paper], str, Format, datetime], bytes]
"""Papers, the document's title, the kind of paper, the moment of making -> a PDF."""
_CHILD_SECONDS = 120


class DrawingFailed(RuntimeError):
    """The child did not bring a PDF."""


def draw_papers(papers: Sequence[Paper], title: str, form: Format, made_at: datetime) -> bytes:
    """The papers one after another as one PDF. Blocks for a second or two. Raises DrawingFailed."""
    question = {
        "papers": [to_plain(paper) for paper in papers],
        "title": title,
        "form": form.name,
        "at": int(made_at.timestamp()),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "casework.paper_drawing"],
            input=json.dumps(question).encode(),
            stdout=subprocess.PIPE,
            timeout=_CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DrawingFailed("the drawing child took too long") from error
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF"):
        raise DrawingFailed(f"the drawing child ended with {done.returncode}")
    return done.stdout


def answer(question: bytes) -> bytes:
    """What the child does."""
    from casework.paper_pdf import paper_pdf  # noqa: PLC0415 - only the child pays for it

    asked = json.loads(question)
    papers = [from_plain(one) for one in asked["papers"]]
    return paper_pdf(papers, asked["title"], FORMATS[asked["form"]], datetime.fromtimestamp(asked["at"], UTC))


if __name__ == "__main__":
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
