"""The demo: real purchases and synthetic clicks run through a real Kafka and two workers (`make demo`).

`sources` takes the data sets out of their packages, `cdnow`, `ecom` and `invented` turn them into records,
`history` puts those in order of time; `program` runs the whole, `live` is its last act.
"""
