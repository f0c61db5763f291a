"""What came of segments, in numbers; the command that reports them is still to come.

statistics intervals and tests: Wilson, Newcombe, Welch, the always-valid interval, sample-ratio mismatch, median stay
"""
