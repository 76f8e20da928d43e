"""How data gets from site to site: lawful lanes for the planner, single routes, trees to many, and link options."""
