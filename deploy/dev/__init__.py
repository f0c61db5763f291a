"""Tools for developers of the project.

docs      writes the generated parts of the documents
handbook  writes the generated parts of segments/README.md
moving    prepares consumed inputs for production to topics with another partition count
release   releases the schemas that changed
wheel     builds the wheel
"""
