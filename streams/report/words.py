"""The rows of a report in words: what the terminal and the page both say."""

from collections.abc import Iterator

from segments.insight.outcomes.period import FEW
from segments.insight.told import duration
from streams.report.speaking import Figures, Row, Speaker, part_of

REASONS = {
    "event": "an event",
    "timer": "time alone",
    "late_event": "a late event",
    "profile": "the profile",
    "consent": "a consent",
    "borders": "a border moved",
    "rule_added": "the rule was new",
    "rule_changed": "the rule changed",
    "rule_removed": "the rule was removed",
    "merged": "customers were merged",
    "erasure": "erased",
}


def heading(report: Figures, speaker: Speaker) -> Iterator[str]:
    """What a report is about, sentence by sentence."""
    date = speaker.date
    if report["since"] is None:
        yield speaker.say("Episodes that began before {until}.", until=date(report["until"]))
    else:
        period = "Episodes that began from {since} on and before {until}."
        yield speaker.say(period, since=date(report["since"]), until=date(report["until"]))
    if report["all_enters"]:
        yield speaker.say(
            "Enters because a rule was new or changed, or because customers were merged, are counted too."
        )
    else:
        yield speaker.say(
            "Enters because a rule was new or changed, or because customers were merged, are left out."
        )
    yield speaker.say(
        "“< 10” stands for every number of fewer than ten customers, and for shares and amounts of them."
    )
    yield speaker.say("Intervals are of 95 %.")
    compared = sum(map(_verdicts, report["segments"]))
    if compared > 1:
        text = (
            "{count} comparisons of arms: of twenty without an effect, one may show a difference by chance."
        )
        yield speaker.say(text, count=speaker.number(compared))
    for topic, at in report["reach"].items():
        text = "{topic} holds records from {at} on: what came before is missing here."
        yield speaker.say(text, topic=topic, at=date(at))


def _verdicts(found: Figures) -> int:
    """How many verdicts are given on a segment."""
    experiment = found["experiment"]
    if experiment is None:
        return 0
    given = ("more", "less", "no difference shown")
    return sum(
        experiment[of] is not None and experiment[of]["verdict"] in given for of in ("conversion", "revenue")
    )


def flips(found: Figures, speaker: Speaker) -> Iterator[Row]:
    """Members, enters, exits and stays."""
    number = speaker.number
    share = found["share"]
    beside = (
        "" if share is None else speaker.say("{share} of the customers known", share=speaker.percent(share))
    )
    yield Row(speaker.say("Members"), number(found["members"]), beside)
    entered, left = found["entered"], found["left"]
    out = speaker.say("left out: {count}", count=number(entered["left_out"]))
    yield Row(
        speaker.say("Entered"),
        number(entered["count"]),
        f"{_reasons(entered, speaker)}; {out}".removeprefix("; "),
    )
    yield Row(speaker.say("Left"), number(left["count"]), _reasons(left, speaker))
    median = found["median_stay"]
    if median is None:
        yield Row(speaker.say("Median stay"), "–", speaker.say("not told: too few customers"))
    elif median["over"]:
        span = duration(median["milliseconds"])
        text = speaker.say("more than {span}: fewer than half have left", span=span)
        yield Row(speaker.say("Median stay"), f"> {span}", text)
    else:
        yield Row(speaker.say("Median stay"), duration(median["milliseconds"]))


def _reasons(counts: Figures, speaker: Speaker) -> str:
    return ", ".join(
        f"{speaker.say(REASONS[reason]) if reason in REASONS else reason} {speaker.number(count)}"
        for reason, count in counts["by_reason"].items()
    )


def goal(found: Figures, speaker: Speaker) -> Iterator[Row]:
    """What came of the enters."""
    number = speaker.number
    yield Row(speaker.say("Goal"), found["goal"])
    yield Row(speaker.say("Matured"), number(found["mature"]))
    yield Row(speaker.say("Conversion"), speaker.percent(found["conversion"]), part_of(found, speaker))
    if found["revenue"] is not None:
        yield Row(speaker.say("Revenue per mature episode"), speaker.money(found["revenue"]))
    yield Row(speaker.say("Not mature yet"), number(found["not_mature"]))
    text = speaker.say("erased, or the rule changed, before the window of the goal was over")
    yield Row(speaker.say("Dropped"), number(found["dropped"]), text)


def goal_notes(found: Figures, speaker: Speaker, *, arms: bool) -> Iterator[str]:
    """What must be known to read the numbers of a goal."""
    yield speaker.say(
        "An episode counts by itself: where the same customers come back often, the interval is too narrow."
    )
    if found["earlier_goals"] not in (0, FEW):
        text = "measured by an earlier goal, and left out: {count}"
        yield speaker.say(text, count=speaker.number(found["earlier_goals"]))
    if not arms:
        yield speaker.say(
            "These numbers are associated with the segment. What acting on it caused, only a control group tells."
        )


def inputs(found: Figures, speaker: Speaker) -> Iterator[Row]:
    """What members did."""
    number, percent = speaker.number, speaker.percent
    yield Row(speaker.say("Share of orders"), percent(found["orders"]))
    yield Row(speaker.say("Share of revenue"), percent(found["revenue"]))
    yield Row(speaker.say("Revenue per day of membership"), speaker.money(found["member_day"]["inside"]))
    yield Row(speaker.say("Revenue per day outside"), speaker.money(found["member_day"]["outside"]))
    for days, kept in found["retention"].items():
        churn = speaker.say("churned {churn}", churn=percent(kept["churn"]))
        name = speaker.say("Active at {days} days", days=days)
        yield Row(name, percent(kept["retention"]), f"{churn}; {part_of(kept, speaker)}")
    for key, name in (
        ("visits", "Visits in 30 days"),
        ("opens", "Mails opened in 30 days"),
        ("clicks", "Mails clicked in 30 days"),
    ):
        yield Row(speaker.say(name), number(found["engagement"][key], 2))
    nps = found["nps"]
    if nps is None:
        yield Row(speaker.say("Net promoter score"), "–", speaker.say("nobody answered"))
    else:
        text = speaker.say("of {count} customers who answered", count=number(nps["customers"]))
        yield Row(speaker.say("Net promoter score"), number(nps["score"]), text)


def input_notes(found: Figures, speaker: Speaker) -> Iterator[str]:
    """What must be known to read them."""
    yield speaker.say(
        "Active: an event in the 30 days before. "
        "Members: what was done after the enter, up to and including the exit."
    )
    yield speaker.say(
        "Inside and outside are other customers and other days: a difference between them is associated with the "
        "segment, not caused by it."
    )
    yield speaker.say(
        "Episodes of one customer are not independent: where the same customers come back often, the intervals of the "
        "active are too narrow."
    )
    if found["nps"] is not None:
        yield speaker.say("The score is of those who answered, who may differ from those who did not.")
    if found["beyond"] != FEW:
        text = "Left out of the active, since the inputs do not reach back so far: {count}"
        yield speaker.say(text, count=speaker.number(found["beyond"]))
