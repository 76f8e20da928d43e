"""Commitments: what to promise a cloud for a discount, from how much was used; with the risk, and against simple rules.

``history`` reads usage, ``offers`` what can be promised, ``held`` what is promised already; ``scenarios`` draws
futures, ``programme`` chooses the amounts, ``applied`` bills them in the providers' order, ``portfolio`` is the whole
answer; ``online`` decides without any forecast, with a guarantee.
"""
