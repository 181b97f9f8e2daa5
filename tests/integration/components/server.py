"""A program to try the module on: it reads its files when it starts, and answers with what it has read."""

from __future__ import annotations

import http.server
import json
import sys
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every request with the configuration that was read at the start."""

    answer = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_words: object) -> None:
        """Nothing: the journal is for what the tests look for."""


def main() -> None:
    port, *paths = (word for word in sys.argv[1:] if not word.startswith("--"))
    texts = [Path(path).read_text(encoding="utf-8") for path in paths]
    if "broken" in "".join(texts):
        sys.exit("The configuration makes no sense: " + json.dumps(texts))
    Handler.answer = "\n".join(text.strip() for text in texts).encode()
    http.server.HTTPServer(("0.0.0.0", int(port)), Handler).serve_forever()  # noqa: S104 - the tests ask from outside


if __name__ == "__main__":
    main()
