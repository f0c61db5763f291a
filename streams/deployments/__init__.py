"""Rule sets go live: a deployment is planned from rule files, and written to every partition of the log at once.

borders   computes the borders from all customers again, and publishes them
records   a deployment as it lies in the topic, and the chain of a group
new_borders  those that a deployment reads and nobody has published yet
sources   the profile sources of a group, by its settings and its deployment
planning  a deployment from a folder of rules and the settings
knowledge since when the measures of a group know events
changes   what a deployment changes, in words and as data
writing   one transaction for all partitions
counting  who would flip, by the states that the group holds: asked of the workers, else read from the changelog
starting  a worker deploys its files where the group has no deployment
watching  how far the workers have taken a deployment over
"""
