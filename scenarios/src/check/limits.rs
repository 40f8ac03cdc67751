//! The limits and times of a `.cf` that a user can run into, as facts.

use std::collections::BTreeMap;

use super::{
    cf::Cf,
    facts::{Area, Facts},
    promise::Pace,
};

/// How long a client waits for its greeting, and how often it may come.
pub(super) fn pace(pace: &Pace) -> Facts {
    let mut facts = Facts::default();
    if let Some(pause) = pace.greet_pause {
        let words = format!("{:.1} s", pause.as_secs_f64());
        facts.note(Area::Limits, "", "greet_pause", words);
    }
    if let Some(rate) = pace.rate_per_minute {
        facts.note(Area::Limits, "", "ratecontrol", rate.to_string());
    }
    facts
}

/// Limits that a user can run into.
pub(super) fn limits(cf: &Cf) -> Facts {
    let mut facts = Facts::default();
    let options: BTreeMap<_, _> = LIMITS
        .iter()
        .filter_map(|name| Some((*name, cf.option(name)?)))
        .collect();
    for (name, value) in options {
        facts.note(Area::Limits, "", name, value);
    }
    for option in cf.every_option() {
        if option.name.to_ascii_lowercase().starts_with("timeout.") {
            facts.note(Area::Limits, "", option.name, option.value);
        }
    }
    for milter in cf.milters() {
        let words = match milter.flag {
            Some('T') => "mail is put off while it does not run",
            Some('R') => "mail is refused while it does not run",
            Some('4') => "connections are put off while it does not run",
            _ => "mail passes unfiltered while it does not run",
        };
        facts.note(Area::Limits, "", format!("milter {}", milter.name), words);
    }
    facts
}

const LIMITS: [&str; 19] = [
    "AuthMechanisms",
    "AuthOptions",
    "SmtpGreetingMessage",
    "PrivacyOptions",
    "MaxMessageSize",
    "MaxRecipientsPerMessage",
    "MaxHeadersLength",
    "MaxMimeHeaderLength",
    "MaxHopCount",
    "BadRcptThrottle",
    "ConnectionRateThrottle",
    "MaxDaemonChildren",
    "DeliveryMode",
    "RefuseLA",
    "QueueLA",
    "DelayLA",
    "MinFreeBlocks",
    "ConnectionRateWindowSize",
    "MaxNOOPCommands",
];
