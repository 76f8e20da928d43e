"""Pure decisions: what is allowed, compiled to tables and proved."""
