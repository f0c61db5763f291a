"""Rules at random as an author would write them, so that a failing example can be copied into a story."""

from segments.language import Segment
from segments.language.nodes.conditions import AllOf, AnyOf, Comparison, Condition, Not, ProfileComparison
from segments.language.nodes.durations import Duration
from segments.language.nodes.text import goal_text, leaf_text, literal, measure_text
from segments.language.nodes.text import rule_text as written


def rule_text(segment: Segment) -> str:
    """A rule in a line."""
    until = "" if segment.until is None else f", until={source(segment.until)}"
    spans = {"for_at_least": segment.for_at_least, "at_most_every": segment.at_most_every}
    back = "".join(f", {name}={Duration(span)}" for name, span in spans.items() if span)
    told = ", ".join(f"{literal(name)}: {measure_text(each)}" for name, each in segment.details)
    back += f", details={{{told}}}" if told else ""
    aim = f", goal={goal_text(segment.aim)}" if segment.aim.goal is not None else ""
    aim += (
        f', control={segment.aim.control}, experiment="{segment.aim.experiment}"'
        if segment.aim.control
        else ""
    )
    if segment.stages:
        stages = ", ".join(f'"{name}": {source(when)}' for name, when in segment.stages)
        return f'{segment.id} = Stages(id="{segment.id}", stages={{{stages}}}{back})'
    each = "" if segment.for_each is None else f", for_each={segment.for_each}"
    return f'{segment.id} = Segment(id="{segment.id}"{each}, when={source(segment.when)}{until}{back}{aim})'


def source(condition: Condition) -> str:
    """A condition in the notation of the language."""
    match condition:
        case AllOf(parts):
            return f"[{', '.join(map(source, parts))}]"
        case AnyOf(parts):
            return f"any_of({', '.join(map(source, parts))})"
        case Not(inner):
            return f"not_({source(inner)})"
        case Comparison(operator=how, bound=bound) | ProfileComparison(operator=how, bound=bound):
            duration = isinstance(condition, Comparison) and condition.measure.kind.duration
            text = str(Duration(bound)) if duration and isinstance(bound, int) else literal(bound)
            return (
                f"{leaf_text(condition)}.is_in{text}"
                if how == "is_in"
                else f"{leaf_text(condition)} {how} {text}"
            )
    return written(condition)
