"""What outputs have to satisfy, and the nearest outputs that do."""
