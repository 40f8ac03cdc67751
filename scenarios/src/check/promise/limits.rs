//! Sizes, rates, loads and times.

use super::{
    super::{cf::Cf, findings::Promise},
    promise,
};

pub(super) fn explained(cf: &Cf) -> Vec<Promise> {
    let mut promises = Vec::new();
    for (name, sentence) in LIMITS {
        let (Some(value), Some(line)) = (cf.option(name), cf.option_line(name)) else {
            continue;
        };
        if ALWAYS_SET.contains(&(*name, value)) {
            continue;
        }
        let unlimited = value == "0" && UNLIMITED.contains(name);
        let words = match unlimited {
            true => "no limit (0)".to_owned(),
            false if *name == "DeliveryMode" => delivery(value),
            false => sentence.replace("{}", value),
        };
        promises.push(promise(*name, words, line));
    }
    for option in cf.every_option() {
        let Some(time) = option.name.strip_prefix("Timeout.") else {
            continue;
        };
        let default = TIMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(time))
            .map(|(_, default)| *default);
        if default == Some(option.value) {
            continue;
        }
        let words = match (time, default) {
            _ if is_the_kernels(time) => {
                format!("{} instead of the kernel's own limit", option.value)
            }
            ("ident", _) if option.value.trim_end_matches(char::is_alphabetic) == "0" => {
                "clients are never asked who they are (port 113)".to_owned()
            }
            (_, Some(default)) => format!("{} instead of {default}", option.value),
            (_, None) => option.value.to_owned(),
        };
        promises.push(promise(option.name, words, option.line));
    }
    promises
}

/// Limits of a connection to a next hop, which sendmail leaves to the kernel.
fn is_the_kernels(time: &str) -> bool {
    ["connect", "iconnect"].contains(&time.to_ascii_lowercase().as_str())
}

/// A delivery mode in words; sendmail looks at the first letter alone.
pub(super) fn delivery(mode: &str) -> String {
    let words = match mode
        .chars()
        .next()
        .map(|letter| letter.to_ascii_lowercase())
    {
        Some('b') => "mail is delivered in the background",
        Some('i') => "mail is delivered interactively, before the client has the reply",
        Some('q') => "mail is only queued, until the queue is run",
        Some('d') => {
            "mail is deferred: only queued, with host names and maps looked up when the queue is run"
        }
        _ => "mail is delivered in a mode that this sendmail's documentation does not know",
    };
    format!("{words} ({mode})")
}

const LIMITS: &[(&str, &str)] = &[
    (
        "MaxMessageSize",
        "messages larger than {} octets are refused, and EHLO says so",
    ),
    (
        "MaxRecipientsPerMessage",
        "a message has at most {} recipients; more are refused for the time being",
    ),
    (
        "BadRcptThrottle",
        "after {} refused recipients every further one waits a second",
    ),
    (
        "MaxHopCount",
        "a message that passed {} machines is refused",
    ),
    ("MaxHeadersLength", "a header has at most {} octets"),
    (
        "MaxMimeHeaderLength",
        "header lines of MIME are cut at {} octets",
    ),
    (
        "MaxNOOPCommands",
        "after {} commands without use, replies are delayed",
    ),
    (
        "ConnectionRateThrottle",
        "each listener takes {} connections a second; more have to wait",
    ),
    (
        "ConnectionRateWindowSize",
        "connections are counted over {}",
    ),
    (
        "MaxDaemonChildren",
        "with {} processes at work, connections are refused",
    ),
    (
        "MinFreeBlocks",
        "with less than {} blocks free on the disk, mail is refused for the time being",
    ),
    ("QueueLA", "above a load of {} mail is queued only"),
    ("RefuseLA", "above a load of {} connections are refused"),
    ("DelayLA", "above a load of {} replies wait a second"),
    ("DeliveryMode", "mail is delivered in mode {}"),
    ("EightBitMode", "8-bit text is handled in mode {}"),
    ("SevenBitInput", "the eighth bit is cut off: {}"),
    ("DeliverByMin", "a delivery by a deadline takes at least {}"),
];

/// What m4 writes into every `.cf`.
const ALWAYS_SET: &[(&str, &str)] = &[
    ("DeliveryMode", "background"),
    ("MinFreeBlocks", "100"),
    ("SevenBitInput", "False"),
];

const UNLIMITED: &[&str] = &[
    "MaxMessageSize",
    "MaxRecipientsPerMessage",
    "BadRcptThrottle",
    "ConnectionRateThrottle",
    "MaxDaemonChildren",
    "DelayLA",
];

/// What m4 leaves as it is, with sendmail's values.
const TIMES: &[(&str, &str)] = &[
    ("initial", "5m"),
    ("aconnect", "0s"),
    ("helo", "5m"),
    ("mail", "10m"),
    ("rcpt", "1h"),
    ("datainit", "5m"),
    ("datablock", "1h"),
    ("datafinal", "1h"),
    ("rset", "5m"),
    ("quit", "2m"),
    ("misc", "2m"),
    ("command", "1h"),
    ("ident", "5s"),
    ("fileopen", "60s"),
    ("control", "2m"),
    ("queuereturn", "5d"),
    ("queuereturn.normal", "5d"),
    ("queuereturn.urgent", "2d"),
    ("queuereturn.non-urgent", "7d"),
    ("queuereturn.dsn", "5d"),
    ("queuewarn", "4h"),
    ("queuewarn.normal", "4h"),
    ("queuewarn.urgent", "1h"),
    ("queuewarn.non-urgent", "12h"),
    ("queuewarn.dsn", "4h"),
    ("hoststatus", "30m"),
    ("resolver.retrans", "5s"),
    ("resolver.retrans.first", "5s"),
    ("resolver.retrans.normal", "5s"),
    ("resolver.retry", "4"),
    ("resolver.retry.first", "4"),
    ("resolver.retry.normal", "4"),
    ("lhlo", "2m"),
    ("auth", "10m"),
    ("starttls", "1h"),
];
