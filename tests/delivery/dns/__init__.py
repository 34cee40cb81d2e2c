"""Records in DNS: no test asks anybody."""
