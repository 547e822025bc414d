"""The site: pages of what was released, in one folder that needs no server."""
