//! Records that Python made (replay, stories, tests) as a run, the same that decoding makes of fetched batches.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};

use crate::wire::record::{Body, Event, Format, Item, Pair, Places, Record, Run, Span, TEXTS, Value};
use crate::wire::refusals::{Reason, Refusal, refuse};

/// The records of a list that cover `[start, end)`. Each has the attributes of `segments.engine.Record`.
pub fn run_of(records: &Bound<'_, PyList>, format: Format, start: i64, end: i64) -> PyResult<Run> {
    let mut run = Run {
        start,
        end,
        ..Run::default()
    };
    run.records.reserve_exact(records.len());
    for record in records.iter() {
        let made = record_of(&record, &mut run)?;
        run.records.push(made);
    }
    refuse(&mut run, format, 0);
    Ok(run)
}

fn record_of(record: &Bound<'_, PyAny>, run: &mut Run) -> PyResult<Record> {
    let timestamp = record.getattr("timestamp")?.extract()?;
    let event = record.getattr("event")?;
    let mut at = timestamp;
    let body = if event.is_none() {
        Body::Erasure
    } else if let Ok(event) = event.cast::<PyDict>() {
        at = whole(&field(event, "occurred_at")?)?;
        Body::Event(event_of(event, run)?)
    } else {
        Body::Refused(Box::new(refusal_of(&event)?))
    };
    Ok(Record {
        offset: record.getattr("offset")?.extract()?,
        timestamp,
        at,
        key: bytes_of(&record.getattr("key")?, run)?,
        value: bytes_of(&record.getattr("value")?, run)?,
        body,
    })
}

fn refusal_of(refusal: &Bound<'_, PyAny>) -> PyResult<Refusal> {
    let reason: String = refusal.getattr("reason")?.extract()?;
    let known = Reason::of(&reason).unwrap_or(Reason::Undecodable);
    Ok(Refusal::new(
        known,
        refusal.getattr("error")?.extract::<String>()?,
    ))
}

fn event_of(event: &Bound<'_, PyDict>, run: &mut Run) -> PyResult<Event> {
    let mut text = |name: &str| text_of(event.get_item(name)?.as_ref(), run);
    let mut made = Event {
        id: text("event_id")?,
        customer: text("customer_id")?,
        kind: text("kind")?,
        into: text("into")?,
        source: text("source")?,
        ..Event::BLANK
    };
    for (place, field) in TEXTS.iter().enumerate() {
        made.texts[place] = text(field.name)?;
    }
    if let Some(action) = event.get_item("action")? {
        made.kind = text_of(Some(&action), run)?;
    }
    if let Some(amount) = event.get_item("amount")? {
        made.amount = whole(&amount)?;
    }
    if let Some(items) = event.get_item("items")? {
        made.items = items_of(items.cast::<PyList>()?, run)?;
    }
    made.attributes = pairs_of(event.get_item("attributes")?.as_ref(), run)?;
    made.consents = pairs_of(event.get_item("consents")?.as_ref(), run)?;
    made.lists = lists_of(event.get_item("lists")?.as_ref(), run)?;
    Ok(made)
}

fn items_of(items: &Bound<'_, PyList>, run: &mut Run) -> PyResult<Places> {
    let start = run.items.len() as u32;
    for item in items.iter() {
        let item = item.cast::<PyDict>()?;
        let made = Item {
            product: text_of(item.get_item("product_id")?.as_ref(), run)?,
            category: text_of(item.get_item("category")?.as_ref(), run)?,
            quantity: whole(&field(item, "quantity")?)?,
            price: whole(&field(item, "price")?)?,
        };
        run.items.push(made);
    }
    Ok(Places {
        start,
        end: run.items.len() as u32,
    })
}

fn pairs_of(map: Option<&Bound<'_, PyAny>>, run: &mut Run) -> PyResult<Places> {
    let start = run.pairs.len() as u32;
    if let Some(map) = map {
        for (name, value) in map.cast::<PyDict>()?.iter() {
            let pair = Pair {
                name: text_of(Some(&name), run)?,
                value: value_of(&value, run)?,
            };
            run.pairs.push(pair);
        }
    }
    Ok(Places {
        start,
        end: run.pairs.len() as u32,
    })
}

/// Of each list its name with a flag, then its name with each of its texts.
fn lists_of(map: Option<&Bound<'_, PyAny>>, run: &mut Run) -> PyResult<Places> {
    let start = run.pairs.len() as u32;
    if let Some(map) = map {
        for (name, list) in map.cast::<PyDict>()?.iter() {
            let name = text_of(Some(&name), run)?;
            let value = Value::Flag(true);
            run.pairs.push(Pair { name, value });
            for each in list.try_iter()? {
                let value = Value::Text(text_of(Some(&each?), run)?);
                run.pairs.push(Pair { name, value });
            }
        }
    }
    Ok(Places {
        start,
        end: run.pairs.len() as u32,
    })
}

fn value_of(value: &Bound<'_, PyAny>, run: &mut Run) -> PyResult<Value> {
    if value.is_instance_of::<PyBool>() {
        return Ok(Value::Flag(value.extract()?));
    }
    if value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>() {
        return Ok(Value::Number(value.extract()?));
    }
    Ok(Value::Text(text_of(Some(value), run)?))
}

fn field<'py>(event: &Bound<'py, PyDict>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    event
        .get_item(name)?
        .ok_or_else(|| pyo3::exceptions::PyKeyError::new_err(name.to_string()))
}

/// A whole number; one that does not fit 64 bits as the largest or smallest there is, which is refused as an amount.
fn whole(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    match value.extract() {
        Ok(number) => Ok(number),
        Err(_) if value.is_instance_of::<PyInt>() => Ok(if value.lt(0)? { i64::MIN } else { i64::MAX }),
        Err(error) => Err(error),
    }
}

fn text_of(value: Option<&Bound<'_, PyAny>>, run: &mut Run) -> PyResult<Span> {
    match value {
        Some(value) if !value.is_none() => Ok(run.put(value.cast::<PyString>()?.to_cow()?.as_bytes())),
        _ => Ok(Span::NONE),
    }
}

fn bytes_of(value: &Bound<'_, PyAny>, run: &mut Run) -> PyResult<Span> {
    if value.is_none() {
        return Ok(Span::NONE);
    }
    Ok(run.put(value.cast::<PyBytes>()?.as_bytes()))
}
