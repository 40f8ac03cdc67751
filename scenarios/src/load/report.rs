//! What a load has shown, as a table for people and as a document for machines.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use super::{Errors, Idle, Latencies, Measured, Order, Percentiles, Sessions, Tls, Until};

/// The document of a load; `FORMAT` is the number of its shape.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    format: u32,
    suite: Suite,
    target: String,
    address: String,
    order: Asked,
    /// Whether a signal ended it.
    interrupted: bool,
    /// Messages that were answered 2yz; or sessions, where there was no mail.
    accepted: u64,
    failed: u64,
    seconds: f64,
    /// How many of them a second.
    per_second: f64,
    latency_ms: Latency,
    #[serde(flatten)]
    errors: Told,
}

/// The document of idle connections.
#[derive(Clone, Debug, Serialize)]
pub struct IdleDocument {
    format: u32,
    suite: Suite,
    target: String,
    address: String,
    tls: &'static str,
    mechanism: Option<String>,
    /// Connections that were wanted, that came about, and that the server ended.
    wanted: usize,
    opened: usize,
    ended: usize,
    #[serde(flatten)]
    errors: Told,
}

#[derive(Clone, Debug, Serialize)]
struct Suite {
    name: &'static str,
    version: &'static str,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize)]
struct Asked {
    connections: usize,
    messages: Option<u64>,
    seconds: Option<f64>,
    /// Octets.
    size: usize,
    new: bool,
    mail: bool,
    /// "clear", "starttls" or "implicit".
    tls: &'static str,
    mechanism: Option<String>,
}

/// In milliseconds; null where nothing was measured.
#[derive(Clone, Debug, Serialize)]
struct Latency {
    after_dot: Option<Percentiles>,
    session: Option<Percentiles>,
}

/// What failed, by what happened.
#[derive(Clone, Debug, Default, Serialize)]
struct Told {
    errors: BTreeMap<String, u64>,
    /// The text of a first reply of each.
    replies: BTreeMap<String, String>,
}

impl Told {
    fn of(errors: &Errors) -> Told {
        Told {
            errors: errors.counts().clone(),
            replies: errors.words().clone(),
        }
    }
}

/// The version of the documents' shape.
const FORMAT: u32 = 1;
const SUITE: Suite = Suite {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

impl Asked {
    fn of(order: &Order) -> Asked {
        let (messages, seconds) = match order.until {
            Until::Messages(count) => (Some(count), None),
            Until::Elapsed(time) => (None, Some(time.as_secs_f64())),
        };
        Asked {
            connections: order.connections,
            messages,
            seconds,
            size: order.size,
            new: order.sessions != Sessions::Reused,
            mail: order.sessions != Sessions::WithoutMail,
            tls: name(order.tls),
            mechanism: mechanism(order),
        }
    }
}

impl Document {
    /// A document about what is ordered, with nothing measured yet.
    pub fn new(target: &str, order: &Order) -> Document {
        Document {
            format: FORMAT,
            suite: SUITE,
            target: target.to_owned(),
            address: order.address.to_string(),
            order: Asked::of(order),
            interrupted: false,
            accepted: 0,
            failed: 0,
            seconds: 0.0,
            per_second: 0.0,
            latency_ms: Latency {
                after_dot: None,
                session: None,
            },
            errors: Told::default(),
        }
    }

    /// The same with what was measured.
    pub fn measured(self, measured: &Measured, interrupted: bool) -> Document {
        Document {
            interrupted,
            accepted: measured.accepted,
            failed: measured.failed(),
            seconds: measured.duration.as_secs_f64(),
            per_second: measured.per_second(),
            latency_ms: Latency {
                after_dot: measured.after_dot.percentiles(),
                session: measured.session.percentiles(),
            },
            errors: Told::of(&measured.errors),
            ..self
        }
    }
}

impl IdleDocument {
    /// The document about what is ordered, with nothing opened yet.
    pub fn new(target: &str, order: &Order, wanted: usize) -> IdleDocument {
        IdleDocument {
            format: FORMAT,
            suite: SUITE,
            target: target.to_owned(),
            address: order.address.to_string(),
            tls: name(order.tls),
            mechanism: mechanism(order),
            wanted,
            opened: 0,
            ended: 0,
            errors: Told::default(),
        }
    }

    /// The same with what became of them.
    pub fn fared(self, idle: &Idle) -> IdleDocument {
        IdleDocument {
            opened: idle.opened,
            ended: idle.ended,
            errors: Told::of(&idle.errors),
            ..self
        }
    }
}

/// The table for people.
///
/// # Errors
/// The output cannot be written.
pub fn write_table(
    out: &mut dyn Write,
    document: &Document,
    measured: &Measured,
) -> io::Result<()> {
    let asked = &document.order;
    let (sessions, what) = match (asked.new, asked.mail) {
        (_, false) => ("sessions without mail".to_owned(), "sessions"),
        (true, true) => (
            format!("a connection for every message, {} octets", asked.size),
            "messages",
        ),
        (false, true) => (format!("used again, {} octets", asked.size), "messages"),
    };
    let login = match &asked.mechanism {
        Some(mechanism) => format!(", {mechanism}"),
        None => String::new(),
    };
    writeln!(
        out,
        "{} ({}): {} connections, {sessions}, {}{login}\n",
        document.target, document.address, asked.connections, asked.tls
    )?;
    writeln!(
        out,
        "{:>10} accepted {:>10} failed {:>10.2} s {:>12.1} {what} a second\n",
        document.accepted, document.failed, document.seconds, document.per_second
    )?;
    let head = ["p50", "p90", "p99", "max"];
    let [p50, p90, p99, max] = head;
    writeln!(
        out,
        "{:<24}{p50:>10}{p90:>10}{p99:>10}{max:>10}",
        "milliseconds"
    )?;
    if asked.mail {
        row(out, "reply after the dot", &measured.after_dot)?;
    }
    if asked.new {
        row(out, "whole session", &measured.session)?;
    }
    write_errors(out, &document.errors)
}

fn row(out: &mut dyn Write, name: &str, latencies: &Latencies) -> io::Result<()> {
    match latencies.percentiles() {
        None => writeln!(out, "{name:<24}{:>10}", "—"),
        Some(Percentiles { p50, p90, p99, max }) => {
            writeln!(
                out,
                "{name:<24}{p50:>10.3}{p90:>10.3}{p99:>10.3}{max:>10.3}"
            )
        }
    }
}

/// One line about idle connections, and the errors.
///
/// # Errors
/// The output cannot be written.
pub fn write_idle(out: &mut dyn Write, document: &IdleDocument) -> io::Result<()> {
    writeln!(
        out,
        "{} ({}): {} of {} connections came about, {} were ended by the server",
        document.target, document.address, document.opened, document.wanted, document.ended
    )?;
    write_errors(out, &document.errors)
}

fn write_errors(out: &mut dyn Write, told: &Told) -> io::Result<()> {
    if told.errors.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nerrors")?;
    for (what, count) in &told.errors {
        match told.replies.get(what) {
            Some(words) => writeln!(out, "{count:>10}  {what}: {words}")?,
            None => writeln!(out, "{count:>10}  {what}")?,
        }
    }
    Ok(())
}

fn name(tls: Tls) -> &'static str {
    match tls {
        Tls::Never => "clear",
        Tls::StartTls => "starttls",
        Tls::Implicit => "implicit",
    }
}

fn mechanism(order: &Order) -> Option<String> {
    let login = order.login.as_ref()?;
    Some(login.mechanism().name().to_owned())
}
