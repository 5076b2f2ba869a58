"""The settings of the production server: ``gunicorn`` in this folder reads them."""

import os

wsgi_app = "{{ cookiecutter.project_slug }}:create_app()"
bind = f"0.0.0.0:{os.environ.get('PORT', '5000')}"

# A client's requests have to reach the process that has its connection, so there is one worker.
# For more processes start more servers, behind a proxy that keeps a client on one of them, with a broker between them
# (FRAMEWORK_MESSAGE_QUEUE).
workers = 1
{% if cookiecutter.async_mode == "gevent" -%}
# Patches the standard library before the application is imported; the framework sees that, and runs on gevent too.
worker_class = "gevent"
worker_connections = int(os.environ.get("MAX_CLIENTS", "5000"))
{%- else -%}
# A connected client has a thread for as long as it stays; threads are started when they are needed.
worker_class = "gthread"
threads = int(os.environ.get("MAX_CLIENTS", "1000"))
worker_connections = threads + 100
{%- endif %}
control_socket_disable = True

# A WebSocket never ends by itself, so a longer grace would only make every stop longer.
graceful_timeout = 3
