"""What holds for every rule and every story: the engine against the oracle, and its mutants."""
