//! What a configuration promises, read from its `.cf`: for the harness, and in words for an administrator.

mod authentication;
mod checks;
mod limits;
mod listeners;
mod pace;
mod routing;
mod tls;

use msaspec_harness::promises::Promises;

use super::{cf::Cf, daemon::Daemon, findings};
pub use pace::{Pace, pace};

/// What the harness holds the server to: listeners that others reach, and what users of submission are
/// certain to find on them.
pub fn harness_promises(cf: &Cf, daemons: &[Daemon]) -> Promises {
    let reachable: Vec<_> = daemons
        .iter()
        .filter(|daemon| !daemon.is_loopback())
        .collect();
    let mut listeners = Vec::new();
    for listener in reachable.iter().map(|daemon| daemon.listener()) {
        if !listeners.contains(&listener) {
            listeners.push(listener);
        }
    }
    let submission: Vec<_> = reachable
        .into_iter()
        .filter(|daemon| daemon.is_submission())
        .collect();
    let clear: Vec<_> = submission
        .iter()
        .filter(|daemon| !daemon.implicit_tls())
        .collect();
    let certificate = tls::missing(cf).is_empty();
    let starttls = certificate && !clear.is_empty() && !clear.iter().any(|daemon| daemon.has('S'));
    let any_tls = certificate && clear.iter().all(|daemon| !daemon.has('S'));
    let login = !submission.is_empty() && !submission.iter().any(|daemon| daemon.has('A'));
    Promises {
        listeners,
        starttls,
        // sendmail asks that of a client by the access map, which is no line of a `.cf`.
        tls_required: false,
        authentication_required: !submission.is_empty()
            && submission.iter().all(|daemon| daemon.requires_login()),
        mechanisms: match login {
            true => authentication::promised(cf, any_tls),
            false => Vec::new(),
        },
        extensions: extensions(cf),
        // How often a queue is run is no line of a `.cf`.
        retries_within: None,
    }
}

/// Everything that an administrator wants to know, in words. The statements are found later.
///
/// A promise whose line of the `.cf` is empty is sendmail's own default.
pub fn explained(cf: &Cf, daemons: &[Daemon]) -> Vec<findings::Promise> {
    let mut promises = listeners::explained(cf, daemons);
    promises.extend(authentication::explained(cf));
    promises.extend(tls::explained(cf, daemons));
    promises.extend(checks::explained(cf));
    promises.extend(limits::explained(cf));
    promises.extend(routing::explained(cf));
    promises
}

fn promise(subject: impl Into<String>, words: impl Into<String>, cf: &str) -> findings::Promise {
    findings::Promise {
        subject: subject.into(),
        words: words.into(),
        cf: cf.to_owned(),
        place: None,
    }
}

/// One promise, where a line of the `.cf` has these words in it.
fn where_it_says(cf: &Cf, said: &str, subject: &str, words: &str) -> Option<findings::Promise> {
    cf.line_with(said).map(|line| promise(subject, words, line))
}

/// Words of an option that are separated by commas or blanks.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value
        .split([',', ' ', '\t'])
        .filter(|word| !word.is_empty())
}

/// `a`, `a and b`, `a, b and c`.
fn listed<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// Keywords that this sendmail offers whoever asks. SIZE and 8BITMIME stand there under every setting.
fn extensions(cf: &Cf) -> Vec<String> {
    let privacy = cf.options("PrivacyOptions");
    let no_receipts = privacy
        .iter()
        .flat_map(|value| words(value))
        .any(|word| word.eq_ignore_ascii_case("noreceipts"));
    [
        "ENHANCEDSTATUSCODES",
        "PIPELINING",
        "8BITMIME",
        "SIZE",
        "DSN",
    ]
    .into_iter()
    .filter(|keyword| *keyword != "DSN" || !no_receipts)
    .map(str::to_owned)
    .collect()
}

#[cfg(test)]
mod tests;
