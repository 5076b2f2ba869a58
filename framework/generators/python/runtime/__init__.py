"""What every generated Python module has in it: read as text by the generator, never imported by the framework.

The modules are checked like all others. Of each, the part below the line ``# -- copied`` is what is copied; the imports
above it are gathered at the top of the generated module. They may import pydantic, socketio and the standard library.
"""
