"""Targets for a fuzzer, and what they check. Nothing here is collected by pytest."""
