"""What runs the system and what shows it: the local broker's parts, the demo, the documents."""
