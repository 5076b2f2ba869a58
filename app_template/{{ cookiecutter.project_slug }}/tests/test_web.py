from flask import Flask


def test_the_page_loads_only_from_this_server(app: Flask) -> None:
    response = app.test_client().get("/")
    assert response.status_code == 200
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert "//" not in response.text.replace("<!doctype html>", "")


def test_the_files_of_the_page_are_served(app: Flask) -> None:
    client = app.test_client()
    for name in ("app.css", "app.js", "client.js", "view.js", "icon.svg", "vendor/socket.io.esm.min.js"):
        with client.get(f"/static/{name}") as response:
            assert response.status_code == 200, name


def test_health_answers(app: Flask) -> None:
    assert app.test_client().get("/health").json == {"status": "ok"}
