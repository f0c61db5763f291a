"""The Faust application."""
