"""Wire formats, one small module each: pure, no I/O; bytes in, ``core.chat`` values out, and back."""
