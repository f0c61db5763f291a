"""Settings: environment variables that begin with SEGMENTS_.

contradictions  settings that are valid alone and wrong together
local_broker    whether the local broker of a data directory runs, and where: read from its files
registry        the settings of the schema registry
settings        all settings, and how they are read
types           the types of values, with their checks
"""
