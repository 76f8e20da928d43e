"""What polycloud asks of the outside: one Protocol for each kind of neighbour."""
