//! The records of a log of a case, as a partition takes them.

use segments_engine::wire::record::{Body, Event, Item, Pair, Places, Record, Run, Span, TEXTS, Value};
use segments_engine::wire::refusals::{Reason, Refusal};
use serde_json::Value as Json;

/// Add the record of a line to a run.
pub fn add(run: &mut Run, line: &Json) {
    let timestamp = line["timestamp"].as_i64().unwrap();
    let mut made = Record {
        offset: line["offset"].as_i64().unwrap(),
        timestamp,
        at: timestamp,
        key: text(run, &line["key"]),
        value: run.put(b""),
        body: Body::Erasure,
    };
    let refused = line["refused"].as_str().unwrap();
    if !refused.is_empty() {
        made.body = Body::Refused(Box::new(Refusal::new(Reason::of(refused).unwrap(), "as drawn")));
    } else if line["event"].is_object() {
        made.at = line["event"]["occurred_at"].as_i64().unwrap();
        made.body = Body::Event(event(run, &line["event"]));
    }
    run.records.push(made);
}

fn event(run: &mut Run, value: &Json) -> Event {
    let mut made = Event {
        id: text(run, &value["event_id"]),
        customer: text(run, &value["customer_id"]),
        kind: text(run, value.get("action").unwrap_or(&value["kind"])),
        into: text(run, &value["into"]),
        source: text(run, &value["source"]),
        amount: value["amount"].as_i64().unwrap_or(0),
        ..Event::BLANK
    };
    for (place, field) in TEXTS.iter().enumerate() {
        made.texts[place] = text(run, &value[field.name]);
    }
    made.items = items(run, &value["items"]);
    made.attributes = pairs(run, &value["attributes"]);
    made.consents = pairs(run, &value["consents"]);
    made.lists = lists(run, &value["lists"]);
    made
}

fn text(run: &mut Run, value: &Json) -> Span {
    value.as_str().map_or(Span::NONE, |text| run.put(text.as_bytes()))
}

fn items(run: &mut Run, lines: &Json) -> Places {
    let start = run.items.len() as u32;
    for item in lines.as_array().into_iter().flatten() {
        let (product, category) = (text(run, &item["product_id"]), text(run, &item["category"]));
        let number = |name: &str| item[name].as_i64().unwrap();
        run.items.push(Item {
            product,
            category,
            quantity: number("quantity"),
            price: number("price"),
        });
    }
    Places {
        start,
        end: run.items.len() as u32,
    }
}

fn pairs(run: &mut Run, map: &Json) -> Places {
    let start = run.pairs.len() as u32;
    for (name, value) in map.as_object().into_iter().flatten() {
        let name = run.put(name.as_bytes());
        let value = match value {
            Json::Bool(flag) => Value::Flag(*flag),
            Json::Number(number) => Value::Number(number.as_f64().unwrap()),
            other => Value::Text(text(run, other)),
        };
        run.pairs.push(Pair { name, value });
    }
    Places {
        start,
        end: run.pairs.len() as u32,
    }
}

/// Of each list its name with a flag, then its name with each of its texts.
fn lists(run: &mut Run, map: &Json) -> Places {
    let start = run.pairs.len() as u32;
    for (name, list) in map.as_object().into_iter().flatten() {
        let name = run.put(name.as_bytes());
        let value = Value::Flag(true);
        run.pairs.push(Pair { name, value });
        for each in list.as_array().into_iter().flatten() {
            let value = Value::Text(text(run, each));
            run.pairs.push(Pair { name, value });
        }
    }
    Places {
        start,
        end: run.pairs.len() as u32,
    }
}
