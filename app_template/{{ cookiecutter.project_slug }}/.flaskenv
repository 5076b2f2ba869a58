# For development in this folder: `framework run`, `framework routes`. A production server does not read it.
FLASK_APP={{ cookiecutter.project_slug }}
FLASK_DEBUG=1
{%- if cookiecutter.async_mode == "gevent" %}
FRAMEWORK_ASYNC_MODE=gevent
{%- endif %}
