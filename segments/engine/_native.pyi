# The types of the engine's crate, segments/engine/native.

PLAN_FORMAT: int
