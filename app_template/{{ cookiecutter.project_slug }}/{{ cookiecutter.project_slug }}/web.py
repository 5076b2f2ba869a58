"""What a browser asks for over HTTP: the page, and whether the server is well."""

from flask import Blueprint, Response, render_template

from .models import MAX_TEXT

TITLE = "{{ cookiecutter.project_name }}"
DESCRIPTION = "{{ cookiecutter.description }}"

# Everything comes from this server, nothing is inline. 'self' covers the WebSocket.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

pages = Blueprint("pages", __name__)


@pages.get("/")
def index() -> str:
    """Return the page of the chat."""
    return render_template("index.html", title=TITLE, description=DESCRIPTION, max_text=MAX_TEXT)


@pages.get("/health")
def health() -> dict[str, str]:
    """Tell a load balancer that this process answers."""
    return {"status": "ok"}


@pages.after_app_request
def add_security_headers(response: Response) -> Response:
    """Let the browser load only what this server serves."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
