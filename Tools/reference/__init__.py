"""Null-text inversion and prompt-to-prompt in PyTorch, with the networks of diffusers and transformers.

A readable counterpart of the Swift sources: plain loops, one function per formula, no optimization. The golden
values of the tests are computed with it (`write_golden.py`).
"""
