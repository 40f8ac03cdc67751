//! Each listener with its modifiers spelt out, and what follows from them.

use super::{
    super::{
        cf::Cf,
        daemon::{Daemon, explain},
        findings::Promise,
    },
    authentication, limits, promise,
};

pub(super) fn explained(cf: &Cf, daemons: &[Daemon]) -> Vec<Promise> {
    let one = |daemon: &Daemon| {
        promise(
            format!("listener {}", daemon.listener()),
            sentence(cf, daemon),
            &daemon.cf,
        )
    };
    daemons.iter().map(one).collect()
}

fn sentence(cf: &Cf, daemon: &Daemon) -> String {
    let mut parts = Vec::new();
    if let Some(address) = &daemon.address {
        let reach = match daemon.is_loopback() {
            true => ", so that nobody outside of the machine reaches it",
            false => "",
        };
        parts.push(format!("it is bound to {address} alone{reach}"));
    }
    let modifiers = daemon.modifiers.chars();
    parts.extend(modifiers.map(|modifier| format!("{} ({modifier})", explain(modifier))));
    parts.extend(daemon.delivery_mode.as_deref().map(limits::delivery));
    parts.extend(own("its milters are", daemon.filters.as_ref()));
    parts.extend(own(
        "at once it has at most this many processes:",
        daemon.children.as_ref(),
    ));
    parts.extend(consequence(cf, daemon).map(str::to_owned));
    format!(
        "{} over {}: {}",
        daemon.port,
        daemon.family.ip(),
        parts.join("; ")
    )
}

fn own(words: &str, value: Option<&String>) -> Option<String> {
    value.map(|value| format!("{words} {value}"))
}

/// What the modifiers leave open.
fn consequence(cf: &Cf, daemon: &Daemon) -> Option<&'static str> {
    let (login, tls) = (daemon.requires_login(), daemon.implicit_tls());
    match (daemon.is_submission(), login, tls) {
        (_, true, true) => None,
        (true, true, false) if daemon.port == 465 => {
            Some("clients that begin TLS with the connection, as is usual on 465, fail (no s)")
        }
        (true, true, false) if authentication::needs_tls(cf) => Some("to log in TLS is needed (p)"),
        (true, true, false) => Some("none of this demands TLS"),
        (true, false, true) => Some("none of this demands logging in"),
        (true, false, false) => Some("none of this demands logging in or TLS"),
        (false, true, false) => Some("other servers cannot deliver to it, as they do not log in"),
        (false, false, _) => Some("anybody may send mail for the domains of this machine"),
    }
}
