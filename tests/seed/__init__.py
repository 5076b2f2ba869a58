"""The guide this project was started from, section by section, driven by the official JavaScript client."""
