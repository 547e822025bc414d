"""Releases over HTTP: who may fetch what, the catalogue of it, and the server."""
