"""What Prometheus needs to watch the workers: recording and alert rules with their tests, and itself for ours."""
