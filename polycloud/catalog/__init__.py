"""Dated, sourced facts: regions, jurisdictions, models, prices."""
