"""Bugs in what a rule set is made into: windows, bounds, and how events are kept."""

from tests.properties.mutating import Mutant

WINDOWS = [
    Mutant(
        "a window includes its end",
        "compile",
        '"floor = now - {events.window or 0}"',
        '"floor = now - {(events.window or 0) + 1}"',
    ),
    Mutant(
        "a window ends a millisecond early",
        "compile",
        '"floor = now - {events.window or 0}"',
        '"floor = now - {(events.window or 0) - 1}"',
    ),
    Mutant(
        "ago knows what came since",
        "compile",
        'return f"upto(c.streams[{place}], now)" if events.offset',
        "return f'c.streams[{place}]' if events.offset",
    ),
    Mutant(
        "what comes into a window of long ago is forgotten",
        "compile",
        "change = min(change, {enters})",
        "change = change",
    ),
    Mutant(
        "what comes into a window of long ago does so a millisecond late",
        "compile",
        "return holds, change + {offset} if change",
        "return holds, change + {offset} + 1 if change",
    ),
    Mutant(
        "the latest is all that is kept of long ago", "planner", "latest = not events.offset", "latest = True"
    ),
    Mutant(
        "a window of long ago is kept too short",
        "planner",
        "(events.window or 0) + (events.offset or 0), measure",
        "(events.window or 0), measure",
    ),
    Mutant("since lets ties in", "compile", 'floor: floor = r[0][-1]"', 'floor: floor = r[0][-1] - 1"'),
    Mutant(
        "since the same value lets ties in", "compile", 'low: low = q[0][-1]"', 'low: low = q[0][-1] - 1"'
    ),
    Mutant("more than is at least", "kernels", '">": (k + 1, True)', '">": (k, True)'),
    Mutant(
        "idle crosses its bound a millisecond late",
        "kernels",
        "> now: return holds, {at} + {bound + step}\\n",
        "> now: return holds, {at} + {bound + step + 1}\\n",
    ),
    Mutant(
        "idle forgets the end of its window",
        "kernels",
        "{crossings}return holds, {at} + {window}",
        "{crossings}return holds, NEVER",
    ),
    Mutant(
        "a count forgets the end of its window",
        "kernels",
        "return {rising}, s[0][-{k}] + {window}\\n",
        "return {rising}, NEVER\\n",
    ),
    Mutant(
        "a value expires a millisecond late",
        "kernels",
        'EXPIRY = "s[0][j] + {window} if',
        'EXPIRY = "s[0][j] + {window} + 1 if',
    ),
    Mutant(
        "a sum falls a millisecond late",
        "kernels",
        "{text}: return {holds}, t + {window}\\n",
        "{text}: return {holds}, t + {window} + 1\\n",
    ),
    Mutant(
        "less than is less than or equal",
        "kernels",
        '{"<": ">=", "<=": ">"}',
        '{"<": ">", "<=": ">="}',
    ),
    Mutant("what is reached is reached by what has expired", "kernels", "if t <= floor: break", "pass"),
    Mutant(
        "what is not known is a value of its own",
        "kernels",
        "if v is not None: found.add(v)",
        "found.add(v)",
    ),
    Mutant(
        "a mean is divided to whole numbers",
        "kernels",
        "sum(values) {leaf.operator} {text} * len(values)",
        "sum(values) // len(values) {leaf.operator} {text}",
    ),
    Mutant(
        "nothing counts as a value",
        "kernels",
        "if not values: return False, NEVER",
        "if not values: return True, NEVER",
    ),
    Mutant(
        "a combination of conditions is not looked at again",
        "tree",
        "if last is None else ({ends}, last)",
        "if last is None else ({ends}, NEVER)",
    ),
    Mutant("until is ignored while inside", "tree", 'f"    if c.inside >> {place} & 1:"', 'f"    if False:"'),
    Mutant(
        "the wake of until is that of when",
        "tree",
        "leaves else (True, at)",
        "leaves else (True, {outside}[1])",
    ),
]

EVENTS = [
    Mutant("a late event is dropped", "takes", "else: merge(s, t, ({values}))", "else: pass"),
    Mutant(
        "of a tie the first is the last",
        "takes",
        "elif t >= s[0][-1]:",
        "elif t > s[0][-1]:",
    ),
    Mutant(
        "a late event goes to the end",
        "remember",
        "index = bisect_right(stream[0], at)\n",
        "index = len(stream[0])\n",
    ),
    Mutant("the keys of by are not told of an event", "takes", "c.held[{number}].stale.add(k)", "pass"),
    Mutant("the keys of by are not told of a reset", "takes", "c.held.pop({number}, None)", "pass"),
    Mutant(
        "what is kept of by goes stale a millisecond late",
        "keyed",
        "if now >= self.soonest:\n            due =",
        "if now > self.soonest:\n            due =",
    ),
    Mutant(
        "forgets an event too early",
        "takes",
        'prune(s, now - {stream.keep})"\n        +',
        'prune(s, now - {stream.keep} + 1)"\n        +',
    ),
    Mutant("money of other currencies counts", "source", "({text} if money else None)", "({text})"),
    Mutant(
        "events without the field are kept",
        "planner",
        '("mean", "max", "min", "last")',
        '("mean", "max", "min")',
    ),
    Mutant("the latest is all that is kept", "planner", "held.latest and latest", "held.latest or latest"),
    Mutant(
        "resets are kept too short",
        "planner",
        "None, (), keep, latest)",
        "None, (), keep // 2, latest)",
    ),
    Mutant(
        "visits are remembered without their gap",
        "planner",
        "(SESSION_GAP if events.source.visits else 0)",
        "0",
    ),
    Mutant(
        "a late event does not join two visits",
        "remember",
        "return _join_next(stream, index)",
        "return False",
    ),
    Mutant(
        "a visit begins a millisecond after the gap",
        "remember",
        "at < ends[index] + SESSION_GAP",
        "at <= ends[index] + SESSION_GAP",
    ),
    Mutant(
        "a late event does not begin a visit earlier",
        "remember",
        "if index + 1 < len(starts) and",
        "if False and",
    ),
    Mutant(
        "a visit is pruned while it may be joined",
        "remember",
        "bisect_right(stream[-1], until - SESSION_GAP)",
        "bisect_right(stream[-1], until)",
    ),
]
