//! Decoded records as Python has them.

use crate::wire::record::{Body, Event, Format, Item, Places, Record, Run, Span, TEXTS, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

pub(super) fn bytes<'p>(py: Python<'p>, found: Option<&[u8]>) -> Option<Bound<'p, PyBytes>> {
    found.map(|found| PyBytes::new(py, found))
}

pub(super) fn decoded<'p>(
    py: Python<'p>,
    run: &Run,
    record: &Record,
    format: Format,
) -> PyResult<Bound<'p, PyTuple>> {
    let event = match &record.body {
        Body::Erasure | Body::Transfer(_) => py.None().into_bound(py),
        Body::Refused(refusal) => (refusal.reason.name(), &refusal.error)
            .into_pyobject(py)?
            .into_any(),
        Body::Event(event) => event_of(py, run, record, event, format)?.into_any(),
    };
    let (key, value) = (bytes(py, run.text(record.key)), bytes(py, run.text(record.value)));
    (record.offset, record.timestamp, key, value, event).into_pyobject(py)
}

/// An event with the field names of its schema, times in milliseconds, money in cents.
fn event_of<'p>(
    py: Python<'p>,
    run: &Run,
    record: &Record,
    event: &Event,
    format: Format,
) -> PyResult<Bound<'p, PyDict>> {
    let made = PyDict::new(py);
    let set = |name: &str, span: Span| made.set_item(name, text(py, run, span)?);
    set("event_id", event.id)?;
    set("customer_id", event.customer)?;
    made.set_item("occurred_at", record.at)?;
    if !matches!(format, Format::Profile | Format::Link) {
        set("kind", event.kind)?;
    }
    for (field, span) in TEXTS.iter().zip(event.texts).filter(|each| each.0.is_of(format)) {
        set(field.name, span)?;
    }
    match format {
        Format::Transaction => {
            made.set_item("amount", event.amount)?;
            made.set_item("items", items(py, run, event)?)?;
            made.set_item("attributes", map(py, run, event.attributes)?)?;
        }
        Format::Link => {
            set("into", event.into)?;
            set("action", event.kind)?;
            set("source", event.source)?;
        }
        Format::Profile => {
            made.set_item("attributes", map(py, run, event.attributes)?)?;
            made.set_item("consents", map(py, run, event.consents)?)?;
            made.set_item("lists", lists(py, run, event.lists)?)?;
        }
        // Events of texts and attributes.
        _ => made.set_item("attributes", map(py, run, event.attributes)?)?,
    }
    Ok(made)
}

fn text<'p>(py: Python<'p>, run: &Run, span: Span) -> PyResult<Option<Bound<'p, PyString>>> {
    run.text(span)
        .map(|bytes| PyString::from_bytes(py, bytes))
        .transpose()
}

fn items<'p>(py: Python<'p>, run: &Run, event: &Event) -> PyResult<Vec<Bound<'p, PyDict>>> {
    let item = |item: &Item| {
        let made = PyDict::new(py);
        made.set_item("product_id", text(py, run, item.product)?)?;
        made.set_item("category", text(py, run, item.category)?)?;
        made.set_item("quantity", item.quantity)?;
        made.set_item("price", item.price)?;
        Ok(made)
    };
    run.items(event).iter().map(item).collect()
}

fn lists<'p>(py: Python<'p>, run: &Run, places: Places) -> PyResult<Bound<'p, PyDict>> {
    let made = PyDict::new(py);
    let mut list = PyList::empty(py);
    for pair in run.pairs(places) {
        if let Value::Text(value) = pair.value {
            list.append(text(py, run, value)?)?;
        } else {
            list = PyList::empty(py);
            made.set_item(text(py, run, pair.name)?, &list)?;
        }
    }
    Ok(made)
}

fn map<'p>(py: Python<'p>, run: &Run, places: Places) -> PyResult<Bound<'p, PyDict>> {
    let made = PyDict::new(py);
    for pair in run.pairs(places) {
        let name = text(py, run, pair.name)?;
        match pair.value {
            Value::Text(value) => made.set_item(name, text(py, run, value)?)?,
            Value::Number(value) => made.set_item(name, value)?,
            Value::Flag(value) => made.set_item(name, value)?,
        }
    }
    Ok(made)
}
