"""What the dashboard shows: five questions, and for each the panels that answer it, as PromQL.

Everything is by `job`, the variable of the dashboard: one group of workers is one job of Prometheus.
"""

from collections.abc import Mapping
from dataclasses import dataclass

JOB = 'job=~"$job"'
RATE = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: a title that says what is shown, why it matters, its unit, and what it asks."""

    title: str
    why: str
    unit: str
    queries: Mapping[str, str]
    """By legend."""
    limit: float | None = None
    """Where a line is drawn that should not be crossed."""


def _rate(metric: str, by: str, where: str = JOB) -> str:
    return f"sum by ({by}) (rate({metric}{{{where}}}[{RATE}]))"


def _sum(metric: str, by: str) -> str:
    return f"sum by ({by}) ({metric}{{{JOB}}})"


def _ago(metric: str, by: str, which: str = "max") -> str:
    """Seconds since the latest instant, or since the earliest."""
    return f"time() - {which} by ({by}) ({metric}{{{JOB}}})"


def _hour(metric: str) -> str:
    return f"sum(increase({metric}{{{JOB}}}[1h]))"


def _quantiles(metric: str) -> dict[str, str]:
    """The median, and what one in a hundred exceeds."""
    buckets = f"sum by (le) (rate({metric}_bucket{{{JOB}}}[{RATE}]))"
    return {"p50": f"histogram_quantile(0.5, {buckets})", "p99": f"histogram_quantile(0.99, {buckets})"}


_OF_RULES = _rate("segments_rule_evaluation_seconds_total", "segment")

KEEPS_UP = (
    Panel(
        "How long the oldest record has waited",
        "What a subscriber feels. By partition: one that stands out is stuck.",
        "s",
        {
            "partition {{partition}}": _ago(
                "segments_oldest_unprocessed_timestamp_seconds", "partition", "min"
            ),
            "all": f"job:segments_delay_seconds:max{{{JOB}}}",
        },
        limit=600,
    ),
    Panel(
        "From event to flip",
        "From Kafka's timestamp of a record to the commit of what it flipped; 99 % within a second is the objective.",
        "s",
        _quantiles("segments_event_to_flip_seconds"),
        limit=1,
    ),
    Panel(
        "What flips wait for",
        "What one in a hundred flips exceeds: inputs (or grace, for a timer), then gathering, then the transaction.",
        "s",
        {
            "{{wait}}": "histogram_quantile(0.99, sum by (wait, le) "
            f"(rate(segments_flip_wait_seconds_bucket{{{JOB}}}[{RATE}])))"
        },
    ),
    Panel(
        "Lateness of flips by time",
        "From the instant of a flip to the clock at which it fired.",
        "s",
        _quantiles("segments_timer_lateness_seconds"),
        limit=60,
    ),
    Panel(
        "Records waiting",
        "Not applied and committed yet.",
        "short",
        {"{{topic}}": _sum("segments_consumer_lag_records", "topic")},
    ),
    Panel(
        "Records a second",
        "Consumed and committed.",
        "cps",
        {"{{topic}}": _rate("segments_records_consumed_total", "topic")},
    ),
    Panel(
        "Clock of the partitions, behind the wall clock",
        "Two seconds of grace are as it should be; a quiet partition reads its clock only when something is due.",
        "s",
        {"partition {{partition}}": _ago("segments_partition_clock_timestamp_seconds", "partition")},
    ),
)

DECIDES = (
    Panel(
        "Members",
        "Customers in each segment, while all partitions are served.",
        "short",
        {"{{segment}}": f"segment:segments_members:sum{{{JOB}}}"},
    ),
    Panel(
        "Enters a second",
        "By segment.",
        "cps",
        {"{{segment}}": _rate("segments_flips_total", "segment", f'{JOB}, transition="enter"')},
    ),
    Panel(
        "Exits a second",
        "By segment.",
        "cps",
        {"{{segment}}": _rate("segments_flips_total", "segment", f'{JOB}, transition="exit"')},
    ),
    Panel(
        "Why it flips",
        "Flips a second by reason; timer: because time passed.",
        "cps",
        {"{{reason}}": _rate("segments_flips_total", "reason")},
    ),
    Panel(
        "What is due",
        "Customers to whom time alone will do something.",
        "short",
        {"partition {{partition}}": _sum("segments_customers_pending", "partition")},
    ),
    Panel(
        "How long the inputs of a rule have been silent",
        "Since the latest event of its quietest input. One that climbs alone has lost an input.",
        "s",
        {"{{segment}}": _ago("segments_rule_input_timestamp_seconds", "segment")},
        limit=21_600,
    ),
)

SAFE = (
    Panel(
        "Records by what became of them",
        "Each record consumed has one outcome.",
        "cps",
        {"{{outcome}}": _rate("segments_records_total", "outcome")},
    ),
    Panel(
        "Records unaccounted for",
        "Consumed, less applied, duplicate, ignored and dead letters: always 0.",
        "short",
        {
            "{{topic}}": _sum("segments_records_consumed_total", "topic")
            + " - "
            + _sum("segments_records_total", "topic")
        },
        limit=1,
    ),
    Panel(
        "Dead letters a second",
        "By reason: most are the producers' matter.",
        "cps",
        {"{{reason}}": _rate("segments_dead_letters_total", "reason")},
    ),
    Panel(
        "Links of ids",
        "Logins by what became of them; conflict and limit are refused.",
        "ops",
        {"{{outcome}}": _rate("segments_links_total", "outcome")},
    ),
    Panel(
        "Errors in an hour",
        "Bugs met by flips by time, inputs lost, offsets of a stranger, records fetched again.",
        "short",
        {
            "engine errors": _hour("segments_engine_errors_total"),
            "inputs lost": _hour("segments_lost_ranges_total"),
            "offsets of a stranger": _hour("segments_offset_mismatches_total"),
            "fetched again": f"{_hour('segments_gaps_total')} + {_hour('segments_refetches_total')}",
        },
    ),
    Panel(
        "Transactions a second",
        "Fenced: another worker took the partition. Aborted, unknown outcome: the broker was slow or away.",
        "cps",
        {"{{result}}": _rate("segments_commits_total", "result")},
    ),
    Panel(
        "Partitions: owned, ready, and take-overs in an hour",
        "Ready should equal all there are.",
        "short",
        {
            "all": f"max(segments_input_partitions{{{JOB}}})",
            "owned": f"sum(segments_partitions_owned{{{JOB}}})",
            "ready": f"sum(segments_partition_ready{{{JOB}}})",
            "taken over: {{cause}}": f"sum by (cause) (increase(segments_take_overs_total{{{JOB}}}[1h]))",
            "rebalances": _hour("segments_rebalances_total"),
        },
    ),
    Panel(
        "Left to restore",
        "Changelog offsets; must fall.",
        "short",
        {
            "partition {{partition}}": _sum("segments_recovery_remaining_records", "partition"),
            "restored in an hour": _hour("segments_recoveries_total"),
        },
    ),
    Panel(
        "How long ago each partition committed",
        "Grows in a quiet partition; together with records waiting it is stuck.",
        "s",
        {"partition {{partition}}": _ago("segments_last_commit_timestamp_seconds", "partition")},
    ),
)

COSTS = (
    Panel(
        "Where the time goes",
        "Seconds of the event loop for each second, by stage; commit is mostly waiting for the broker.",
        "percentunit",
        {"{{stage}}": _rate("segments_stage_seconds_total", "stage")},
    ),
    Panel(
        "What each rule costs",
        "Seconds of evaluation for each second, estimated from a sample.",
        "percentunit",
        {"{{segment}}": f"topk(10, {_OF_RULES})"},
    ),
    Panel(
        "What one evaluation costs",
        "The mean, by rule; one that climbs with time keeps too much of a customer.",
        "s",
        {"{{segment}}": f"topk(10, {_OF_RULES} / {_rate('segments_rule_evaluations_total', 'segment')})"},
    ),
    Panel(
        "Duration of a transaction",
        "From its begin to its commit, as the broker confirms it.",
        "s",
        _quantiles("segments_commit_seconds"),
    ),
    Panel(
        "CPU of a worker",
        "One is a whole core, and all a worker can use.",
        "percentunit",
        {"{{instance}}": _rate("process_cpu_seconds_total", "instance")},
        limit=0.9,
    ),
    Panel(
        "Memory of a worker",
        "With SEGMENTS_STORE=memory most of it is state.",
        "bytes",
        {"{{instance}}": f"process_resident_memory_bytes{{{JOB}}}"},
    ),
    Panel(
        "Customers remembered",
        "And one entry for each partition.",
        "short",
        {"customers": f"sum(max by (job, partition) (segments_state_entries{{{JOB}}}))"},
    ),
    Panel(
        "State",
        "What is remembered of them, as it is in the changelog.",
        "bytes",
        {"partition {{partition}}": _sum("segments_state_bytes", "partition")},
    ),
    Panel(
        "Versions",
        "Code and rules; more than one of either: an upgrade is under way.",
        "short",
        {
            "code {{version}}": f"count by (version) (segments_build_info{{{JOB}}})",
            "rules {{digest}}": f"count by (digest) (segments_rules_info{{{JOB}}})",
            "rules in the set": f"max(segments_rules{{{JOB}}})",
        },
    ),
)

DELIVERS = (
    Panel(
        "Delivered",
        "Enters and exits by what became of them.",
        "ops",
        {"{{destination}} {{outcome}}": _rate("segments_delivery_flips_total", "destination, outcome")},
    ),
    Panel(
        "Oldest undelivered",
        "Since when Kafka has what a destination has not been told.",
        "s",
        {"{{destination}}": _ago("segments_delivery_oldest_timestamp_seconds", "destination", "min")},
        limit=3600,
    ),
    Panel(
        "Requests by answer",
        "failed: tried again; refused: given up; throttled: the destination asks for less.",
        "reqps",
        {"{{destination}} {{result}}": _rate("segments_delivery_requests_total", "destination, result")},
    ),
)

ROWS = {
    "Does it keep up?": KEEPS_UP,
    "What does it decide?": DECIDES,
    "Is it safe?": SAFE,
    "Do the tools hear of it?": DELIVERS,
    "What does it cost?": COSTS,
}
