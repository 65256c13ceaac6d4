"""Letters: mail of ours shown inside a page, in a frame that can run nothing and knows nobody."""

from starlette.responses import HTMLResponse, Response

from trunkline.web import rendering

FRAMING = f"{rendering.POLICY}; frame-src 'self'"

HEADERS = {
    **rendering.HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
    "Referrer-Policy": "no-referrer",
}


def framing(response: Response) -> Response:
    """The page around: it may hold frames of this installation."""
    response.headers["Content-Security-Policy"] = FRAMING
    return response


def letter(html: str) -> Response:
    """The frame's content. Links open pages of their own."""
    before, head, after = html.partition("<head>")
    if not head:  # a piece of a letter
        before, head, after = OPENING, "", html
    before = before.replace("<html>", '<html lang="und">')
    return HTMLResponse(f"{before}{head}{BESIDE}{after}", 200, HEADERS)


OPENING = '<!DOCTYPE html><html lang="und"><meta charset="utf-8">'
BESIDE = '<base target="_blank"><title>Letter</title>'
