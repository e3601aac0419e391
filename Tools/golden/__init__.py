"""What the golden files hold, a module each; `write_golden.py` is the command."""
