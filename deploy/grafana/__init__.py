"""The dashboard of the workers for Grafana, made by a script: four rows, each a question that ops asks."""
