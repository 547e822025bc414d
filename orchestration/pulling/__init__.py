"""The other end of a server of releases: pulling what is new, and uniting the counties."""
