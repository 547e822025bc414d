"""The commands of `krat`, a module for each kind of user; they import what works when asked."""
