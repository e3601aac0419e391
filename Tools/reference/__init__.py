"""Null-text inversion and prompt-to-prompt in PyTorch, on the networks of diffusers and transformers.

Written to be read beside the Swift sources: plain loops, one function per formula, no speed. The golden values of
the tests come from here (`write_golden.py`).
"""
