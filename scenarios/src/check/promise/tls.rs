//! TLS: what its offer depends on, and how it is negotiated.

use super::{
    super::{cf::Cf, daemon::Daemon, findings::Promise},
    listed, promise,
};

/// The options that TLS needs and that are not set. sendmail asks for all four, and is silent without one.
pub(super) fn missing(cf: &Cf) -> Vec<&'static str> {
    let unset = |name: &&str| cf.option(name).is_none_or(str::is_empty);
    CERTIFICATE.into_iter().filter(unset).collect()
}

pub(super) fn explained(cf: &Cf, daemons: &[Daemon]) -> Vec<Promise> {
    let mut promises = vec![certificate(cf, daemons)];
    for (name, sentence) in OPTIONS {
        if let (Some(value), Some(line)) = (cf.option(name), cf.option_line(name)) {
            promises.push(promise(*name, sentence.replace("{}", value), line));
        }
    }
    if let (Some(value), Some(line)) = (cf.option("TLSSrvOptions"), cf.option_line("TLSSrvOptions"))
    {
        let letters = value
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != ',');
        let parts: Vec<_> = letters
            .map(|letter| format!("{} ({letter})", meaning(letter)))
            .collect();
        promises.push(promise("TLSSrvOptions", parts.join("; "), line));
    }
    promises
}

fn certificate(cf: &Cf, daemons: &[Daemon]) -> Promise {
    let missing = missing(cf);
    let line = CERTIFICATE
        .into_iter()
        .rev()
        .find_map(|name| cf.option_line(name))
        .unwrap_or_default();
    let can_offer = |daemon: &&Daemon| !daemon.has('S') && !daemon.implicit_tls();
    let offering: Vec<_> = daemons.iter().filter(can_offer).collect();
    if missing.is_empty() && offering.is_empty() {
        let sentence = format!("the certificate is complete; {}", users(daemons));
        return promise("TLS", sentence, line);
    }
    let on = match offering.len() == daemons.len() {
        true => String::new(),
        false => {
            let names = offering.iter().map(|it| it.listener().to_string());
            format!(" on {}", listed(&names.collect::<Vec<_>>()))
        }
    };
    let sentence = match missing.len() {
        0 => format!("offered{on}: {} are all set", listed(&CERTIFICATE)),
        4 => "not offered: no certificate is configured".to_owned(),
        1 => format!(
            "not offered: {} is missing, and sendmail leaves TLS out with one line in the log",
            missing[0]
        ),
        _ => format!(
            "not offered: {} are missing, and sendmail leaves TLS out with one line in the log",
            listed(&missing)
        ),
    };
    promise("STARTTLS", sentence, line)
}

/// Which listeners use a certificate where none offers STARTTLS.
fn users(daemons: &[Daemon]) -> String {
    let with_tls = daemons.iter().filter(|daemon| daemon.implicit_tls());
    let with_tls: Vec<_> = with_tls.map(|it| it.listener().to_string()).collect();
    match with_tls.is_empty() {
        true => "no listener uses it, as none offers STARTTLS (S)".to_owned(),
        false => format!(
            "connections to {} begin with TLS (s), and no listener offers STARTTLS",
            listed(&with_tls)
        ),
    }
}

fn meaning(letter: char) -> &'static str {
    match letter {
        'V' => "clients are not asked for a certificate",
        'C' => "TLS is tried without a certificate of the server's own",
        _ => "sendmail warns about this letter and ignores it",
    }
}

const CERTIFICATE: [&str; 4] = [
    "CACertPath",
    "CACertFile",
    "ServerCertFile",
    "ServerKeyFile",
];

const OPTIONS: &[(&str, &str)] = &[
    ("CipherList", "the suites up to TLS 1.2 are {}"),
    ("CipherSuites", "the suites of TLS 1.3 are {}"),
    (
        "ServerSSLOptions",
        "OpenSSL has these options for clients: {}",
    ),
    (
        "ClientSSLOptions",
        "OpenSSL has these options for next hops: {}",
    ),
    ("DHParameters", "the Diffie-Hellman parameters are {}"),
    (
        "CRLFile",
        "revoked certificates stand in {}, without which TLS is left out",
    ),
    ("CRLPath", "revoked certificates stand in {}"),
    (
        "ClientCertFile",
        "at next hops sendmail shows the certificate {}",
    ),
    (
        "TLSFallbacktoClear",
        "mail goes on in clear text where TLS with the next hop fails: {}",
    ),
    (
        "DANE",
        "certificates of next hops are checked by TLSA records: {}",
    ),
];
