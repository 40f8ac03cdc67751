//! The order of statements, as far as it makes a difference: each was tried with sendmail's own m4 files.

use super::{
    super::{Mc, Statement, macros},
    Found, names,
};

pub(super) fn before_cf_m4(mc: &Mc) -> Vec<Found> {
    let included = |statement: &&Statement| statement.argument(0).ends_with("cf.m4");
    let Some(include) = mc.find("include").find(included) else {
        return Vec::new();
    };
    mc.statements
        .iter()
        .take_while(|statement| statement.span.start < include.span.start)
        .filter(|statement| macros::SENDMAIL.contains(&statement.name.as_str()))
        .map(|statement| {
            Found::at(
                statement,
                format!("{} stands before the include of cf.m4", statement.name),
                format!(
                    "{}\n{}",
                    names::call("include", &include.written),
                    as_written(statement)
                ),
            )
        })
        .collect()
}

pub(super) fn feature_after_mailer(mc: &Mc) -> Vec<Found> {
    after_mailer(mc)
        .filter(|statement| statement.name == "FEATURE")
        .map(|statement| {
            let what = format!("FEATURE({}) stands after MAILER()", statement.argument(0));
            Found::at(statement, what, before_mailer(mc, statement))
        })
        .collect()
}

/// Beginnings of macros that a mailer's file reads, and the mailer.
const READ_BY: &[(&str, &str)] = &[
    ("LOCAL_MAILER_", "local"),
    ("LOCAL_SHELL_", "local"),
    ("confUSERDB_SPEC", "local"),
    ("SMTP_MAILER_", "smtp"),
    ("ESMTP_MAILER_", "smtp"),
    ("SMTP8_MAILER_", "smtp"),
    ("DSMTP_MAILER_", "smtp"),
    ("RELAY_MAILER_", "smtp"),
    ("PROCMAIL_MAILER_", "procmail"),
    ("UUCP_MAILER_", "uucp"),
    ("USENET_MAILER_", "usenet"),
    ("CYRUS_MAILER_", "cyrus"),
    ("CYRUSV2_MAILER_", "cyrusv2"),
    ("FAX_MAILER_", "fax"),
];

/// The mailer that a `define` or MODIFY_MAILER_FLAGS is about.
fn mailer_of(statement: &Statement) -> Option<&'static str> {
    let name = match statement.name.as_str() {
        "define" => statement.argument(0).to_owned(),
        "MODIFY_MAILER_FLAGS" => format!("{}_MAILER_", statement.argument(0)),
        _ => return None,
    };
    let (_, mailer) = READ_BY
        .iter()
        .find(|(begins, _)| name.starts_with(begins))?;
    Some(mailer)
}

pub(super) fn mailer_option_late(mc: &Mc) -> Vec<Found> {
    mc.statements
        .iter()
        .filter_map(|statement| {
            let mailer = mailer_of(statement)?;
            mc.find("MAILER").find(|call| {
                call.argument(0) == mailer && call.span.start < statement.span.start
            })?;
            let what = format!("{} stands after MAILER({mailer})", subject(statement));
            Some(Found::at(statement, what, before_mailer(mc, statement)))
        })
        .collect()
}

/// One hint a file: the first of them, and how many more there are.
pub(super) fn option_after_mailer(mc: &Mc) -> Vec<Found> {
    let late: Vec<_> = after_mailer(mc)
        .filter(|statement| match statement.name.as_str() {
            "define" => statement.argument(0).starts_with("conf") && mailer_of(statement).is_none(),
            "CLIENT_OPTIONS" | "DAEMON_OPTIONS" | "INPUT_MAIL_FILTER" | "TRUST_AUTH_MECH" => true,
            _ => false,
        })
        .collect();
    let Some(first) = late.first() else {
        return Vec::new();
    };
    let more = match late.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more below"),
    };
    let what = format!("{} stands after MAILER(){more}", subject(first));
    vec![Found::at(first, what, before_mailer(mc, first))]
}

/// Features that ask for another one when they are read.
const NEEDS_ACCESS: &[&str] = &[
    "bcc",
    "blacklist_recipients",
    "blocklist_recipients",
    "compat_check",
    "conncontrol",
    "lookupdotdomain",
    "queuegroup",
    "ratecontrol",
    "relay_mail_from",
];

pub(super) fn feature_order(mc: &Mc) -> Vec<Found> {
    mc.find("FEATURE")
        .filter_map(|statement| {
            let name = statement.argument(0);
            let needed = needs(mc, statement).into_iter().find(|needed| {
                let mut before = mc
                    .find("FEATURE")
                    .take_while(|other| other.span.start < statement.span.start);
                !before.any(|other| other.argument(0) == *needed)
            })?;
            let other = mc.find("FEATURE").find(|other| other.argument(0) == needed);
            let (what, lines) = match other {
                Some(other) => (
                    format!("FEATURE({name}) stands before FEATURE({needed}), which it needs"),
                    as_written(other),
                ),
                None => (
                    format!(
                        "FEATURE({name}) needs FEATURE({needed}), which this file does not have"
                    ),
                    format!("FEATURE(`{needed}')dnl"),
                ),
            };
            Some(Found::at(
                statement,
                what,
                format!("{lines}\n{}", as_written(statement)),
            ))
        })
        .collect()
}

/// What a feature needs before it, as far as this file shows.
fn needs(mc: &Mc, statement: &Statement) -> Vec<&'static str> {
    // A DOMAIN() or an included file may have it.
    let elsewhere = mc.statements.iter().any(|other| {
        matches!(
            other.name.as_str(),
            "DOMAIN" | "include" | "sinclude" | "ifdef" | "ifelse" | "HACK"
        ) && !other.argument(0).ends_with("cf.m4")
            && other.span.start < statement.span.start
    });
    let has = |name: &str| mc.find("FEATURE").any(|other| other.argument(0) == name);
    let name = statement.argument(0);
    let mut needs = Vec::new();
    if NEEDS_ACCESS.contains(&name)
        || (name == "greet_pause" && (has("access_db") || statement.argument(1).is_empty()))
    {
        needs.push("access_db");
    }
    if matches!(name, "conncontrol" | "ratecontrol")
        && statement.argument(1).eq_ignore_ascii_case("nodelay")
    {
        needs.push("delay_checks");
    }
    needs.retain(|needed| has(needed) || !elsewhere);
    needs
}

/// Features that are built upon what OSTYPE has set.
const NEEDS_OSTYPE: &[&str] = &["local_lmtp", "local_procmail", "msp", "nullclient", "smrsh"];

pub(super) fn before_ostype(mc: &Mc) -> Vec<Found> {
    let Some(ostype) = mc.find("OSTYPE").next() else {
        return Vec::new();
    };
    let system = ostype.argument(0);
    let set: Vec<_> = names::set_by(system).collect();
    mc.statements
        .iter()
        .take_while(|statement| statement.span.start < ostype.span.start)
        .filter(|statement| match statement.name.as_str() {
            "FEATURE" => NEEDS_OSTYPE.contains(&statement.argument(0)),
            "define" => set.contains(&statement.argument(0)),
            _ => false,
        })
        .map(|statement| {
            Found::at(
                statement,
                format!("{} stands before OSTYPE({system})", subject(statement)),
                format!("{}\n{}", as_written(ostype), as_written(statement)),
            )
        })
        .collect()
}

fn after_mailer(mc: &Mc) -> impl Iterator<Item = &Statement> {
    let mailer = mc
        .find("MAILER")
        .next()
        .map_or(usize::MAX, |call| call.span.end);
    mc.statements
        .iter()
        .filter(move |statement| statement.span.start >= mailer)
}

/// The statement and the MAILER() that it has to precede.
fn before_mailer(mc: &Mc, statement: &Statement) -> String {
    let mailer = mc.find("MAILER").next().map(as_written).unwrap_or_default();
    format!("{}\n{mailer}", as_written(statement))
}

fn as_written(statement: &Statement) -> String {
    names::call(&statement.name, &statement.written)
}

fn subject(statement: &Statement) -> String {
    match statement.name.as_str() {
        "define" => statement.argument(0).to_owned(),
        "FEATURE" => format!("FEATURE({})", statement.argument(0)),
        name => name.to_owned(),
    }
}
