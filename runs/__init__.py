"""Recipes that ship; each is a TOML file that cites its source."""
