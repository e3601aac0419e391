"""The contents of the golden files, one module each; `write_golden.py` is the command."""
