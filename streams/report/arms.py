"""The comparison of treated and control in words."""

from collections.abc import Callable, Iterator, Sequence

from segments.insight.outcomes.period import FEW
from streams.report.speaking import Figures, Row, Speaker, part_of

CAUSED = "{}: caused by acting on the segment, provided that all who act on it left the control group alone"


def arm(found: Figures, speaker: Speaker) -> Iterator[Row]:
    """The numbers of one arm."""
    yield Row(speaker.say("Matured"), speaker.number(found["mature"]))
    yield Row(speaker.say("Conversion"), speaker.percent(found["conversion"]), part_of(found, speaker))
    if found["revenue"] is not None:
        yield Row(speaker.say("Revenue per customer"), speaker.money(found["revenue"]))


def experiment(found: Figures, speaker: Speaker) -> Iterator[Row]:
    """The arms compared."""
    yield Row(speaker.say("Size of the arms"), *_size(found, speaker))
    yield from _difference("conversion", found["conversion"], speaker)
    if found["revenue"] is not None:
        yield from _difference("revenue", found["revenue"], speaker)
    if found["roi"] is not None:
        yield _roi(found["roi"], speaker)


def _roi(found: Figures, speaker: Speaker) -> Row:
    name = speaker.say("Return on {cost}", cost=speaker.money(found["cost"]))
    if found["roi"] is None:
        return Row(name, "–", speaker.say("not told: there is no verdict on revenue"))

    def percent(share: float) -> str:
        return speaker.percent(share, 0)

    text = "{roi} (Welch {low} to {high}; always valid {from_} to {to})"
    bounds = _bounds(found["interval"], found["always_valid"], percent)
    return Row(name, percent(found["roi"]), speaker.say(text, roi=percent(found["roi"]), **bounds))


def cost_alone(cost: str, speaker: Speaker) -> Row:
    """A cost of a segment without a control group."""
    text = "not told: only a control group tells what the cost brought"
    return Row(speaker.say("Return on {cost}", cost=speaker.money(cost)), "–", speaker.say(text))


def _size(found: Figures, speaker: Speaker) -> tuple[str, str]:
    drawn = " / ".join(
        f"{speaker.say(arm)} {speaker.number(found['drawn'][arm])}" for arm in ("control", "treated")
    )
    against = found["mismatch"]
    if against is None:
        return drawn, speaker.say("too few customers to check")
    told = {"chi2": speaker.number(against["chi2"], 2), "p": _small(against["p"], speaker)}
    if against["blocks"]:
        text = (
            "not as drawn (χ² {chi2}, p {p}): find out what leaves out or adds customers before you read on"
        )
        return drawn, speaker.say(text, **told)
    return drawn, speaker.say("as drawn (χ² {chi2}, p {p})", **told)


def _small(p: float | str, speaker: Speaker) -> str:
    return f"< {speaker.number(0.0001, 4)}" if isinstance(p, float) and p < 0.0001 else speaker.number(p, 4)


def _difference(of: str, found: Figures, speaker: Speaker) -> Iterator[Row]:
    money = of == "revenue"
    name = speaker.say("Difference in revenue per customer" if money else "Difference in conversion")
    shown = speaker.money if money else speaker.points
    if found["difference"] == FEW:
        text = "not told: fewer than ten customers of an arm reached the goal"
        yield Row(name, FEW, speaker.say(text))
    else:
        one = "Welch" if money else "Newcombe"
        text = f"{{difference}} ({one} {{low}} to {{high}}; always valid {{from_}} to {{to}})"
        told = speaker.say(
            text,
            difference=shown(found["difference"]),
            **_bounds(found["interval"], found["always_valid"], shown),
        )
        yield Row(name, shown(found["difference"]), told)
        if found["lift"] is not None:
            text = "relative: {lift} (Welch {low} to {high}; always valid {from_} to {to})"
            bounds = _bounds(found["lift_interval"], found["lift_always_valid"], speaker.percent)
            yield Row(
                speaker.say("Relative difference"),
                speaker.percent(found["lift"]),
                speaker.say(text, lift=speaker.percent(found["lift"]), **bounds),
            )
    name = speaker.say("Verdict on revenue" if money else "Verdict on conversion")
    yield Row(name, verdict(found["verdict"], speaker), _missing(found, speaker, money=money))


def verdict(code: str, speaker: Speaker) -> str:
    """A verdict in words."""
    return speaker.say(CAUSED.format(code) if code in ("more", "less") else code)


def _bounds(one: Sequence[float], always: Sequence[float], shown: Callable[[float], str]) -> dict[str, str]:
    return {
        "low": shown(one[0]),
        "high": shown(one[1]),
        "from_": shown(always[0]),
        "to": shown(always[1]),
    }


def _missing(found: Figures, speaker: Speaker, *, money: bool) -> str:
    if found["verdict"] != "no verdict yet":
        return ""
    if not found["missing"]:
        return speaker.say("too few conversions in the arms together")
    of = "customers with a goal" if money else "matured customers"
    more = "more than " if found["missing_at_least"] else ""
    text = f"missing in {{arm}}: {more}{{count}} {of}"
    return "; ".join(
        speaker.say(text, arm=speaker.say(arm), count=speaker.number(count))
        for arm, count in found["missing"].items()
    )


def experiment_notes(found: Figures, speaker: Speaker, *, values: bool) -> Iterator[str]:
    """What must be known to read a comparison."""
    yield speaker.say(
        "pp: percentage points. The verdict goes by the always-valid interval of the difference, "
        "which holds however often one looks. The other interval holds for one look."
    )
    yield speaker.say(
        "Each customer counts once for each value of the segment, by the first episode under this experiment."
    )
    if values:
        yield speaker.say("Customers who count for several values make the intervals too narrow.")
    if found["drawn"]["mixed"] != FEW:
        text = "Customers of both arms merged into one, and left out: {count}"
        yield speaker.say(text, count=speaker.number(found["drawn"]["mixed"]))
    if found["others"]:
        names = ", ".join(f"{each['name']} ({each['control']} %)" for each in found["others"])
        yield speaker.say("Earlier experiments are not compared: {names}.", names=names)


def title_of(found: Figures, speaker: Speaker) -> str:
    """Which experiment it is."""
    text = "Experiment {name}, {share} of the customers in the control group"
    control = float(found["control"]) / 100
    places = 0 if (control * 100).is_integer() else 2
    return speaker.say(text, name=found["name"], share=speaker.percent(control, places))
