"""Quiet spender: reads two other segments."""

from segments.quiet import quiet
from segments.spender import spender

from segments.language import Segment

quiet_spender = Segment(en="Spent, and went quiet", nl="Gaf uit en werd stil", when=[quiet, spender])
