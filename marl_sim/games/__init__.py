"""Stage games and whole games, one or one family a file."""
