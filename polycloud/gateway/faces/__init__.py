"""What callers speak: the outside of a request read cheaply, answers and errors written in its own form."""
