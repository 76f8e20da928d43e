"""Whether to be in several clouds at all: needs in, an honest recommendation with the cost of each pattern out.

``needs`` is what is asked, ``availability`` and ``costs`` the arithmetic with its stated assumptions, ``ground`` what
each cloud can do by the catalogue, ``assessment`` the answer; ``planned`` takes costs from the planner instead.
"""
