//! The edits, one after the other as an administrator makes them, and what is said of each.

use super::row::{
    Edit::{self, Append, Before, Remove, Replace},
    Row,
};

/// Every row.
pub(super) fn rows() -> impl Iterator<Item = Row> {
    [
        LISTENERS, LOGIN, TLS, OPTIONS, RELAY, TABLES, OTHERS, REFUSED, SAME, WITH_CASES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

const fn row(name: &'static str, file: &'static str, line: usize, edit: Edit) -> Row {
    Row::new(name, file, line, edit)
}

/// Modifiers, ports, families, addresses of DAEMON_OPTIONS.
#[rustfmt::skip]
const LISTENERS: &[Row] = &[
    row("modifier-a-dropped", "origin/origin.mc", 25, Replace("Name=MSA-v4, Port=submission, M=EOa", "Name=MSA-v4, Port=submission, M=EO"))
        .says("login is not required on 587 over IPv4: MAIL before it is accepted with 250 2.1.0 (was 530 5.7.0)")
        .advises(&["login-not-required"]),
    row("modifier-E-dropped", "origin/origin.mc", 26, Replace("Name=MSA-v6, Port=submission, M=EOa", "Name=MSA-v6, Port=submission, M=Oa"))
        .says("on 587 over IPv6 ETRN is accepted now: 250 2.0.0 (was 502 5.7.0)")
        .advises(&["etrn-on-submission"]),
    row("modifier-S-added", "origin/origin.mc", 25, Replace("Name=MSA-v4, Port=submission, M=EOa", "Name=MSA-v4, Port=submission, M=EOaS"))
        .says("STARTTLS is no longer offered on 587 over IPv4")
        .advises(&["starttls-switched-off"]),
    row("modifier-s-added", "origin/origin.mc", 25, Replace("Name=MSA-v4, Port=submission, M=EOa", "Name=MSA-v4, Port=submission, M=EOas"))
        .says("clients of 587 over IPv4 have to begin with TLS now: who speaks clear text first is not greeted")
        .advises(&["tls-first-on-587"]),
    row("modifier-a-becomes-A", "origin/origin.mc", 25, Replace("Name=MSA-v4, Port=submission, M=EOa", "Name=MSA-v4, Port=submission, M=EOA"))
        .says("login is not required on 587 over IPv4: MAIL before it is accepted with 250 2.1.0 (was 530 5.7.0)")
        .says("logging in is not possible any more on 587 over IPv4: AUTH is not offered (was CRAM-MD5, DIGEST-MD5, LOGIN, PLAIN)")
        .advises(&["login-not-required"]),
    row("modifier-A-beside-a", "origin/origin.mc", 25, Replace("Name=MSA-v4, Port=submission, M=EOa", "Name=MSA-v4, Port=submission, M=EOaA"))
        .says("logging in is not possible any more on 587 over IPv4: AUTH is not offered (was CRAM-MD5, DIGEST-MD5, LOGIN, PLAIN)")
        .advises(&["login-impossible"]),
    row("modifier-u-added", "origin/origin.mc", 25, Replace("Name=MSA-v4, Port=submission, M=EOa", "Name=MSA-v4, Port=submission, M=EOau"))
        .says("a sender without a domain is accepted after login now on 587 over IPv4: 250 2.1.0 (was 553 5.5.4)"),
    row("modifier-mistyped", "origin/origin.mc", 25, Replace("Name=MSA-v4, Port=submission, M=EOa", "Name=MSA-v4, Port=submission, M=EOz"))
        .says("login is not required on 587 over IPv4: MAIL before it is accepted with 250 2.1.0 (was 530 5.7.0)")
        .advises(&["login-not-required", "listener-modifier"]),
    row("modifier-s-dropped-on-465", "implicit-tls/implicit-tls.mc", 22, Replace("Name=MSAS-v4, Port=465,        M=sEa", "Name=MSAS-v4, Port=465,        M=Ea"))
        .says("clients of 465 over IPv4 have to begin in clear text now: who speaks TLS first is not understood")
        .advises(&["clear-text-on-465"]),
    row("modifier-a-on-25", "freebsd/freebsd.mc", 21, Replace("`Name=IPv4, Family=inet'", "`Name=IPv4, Family=inet, M=a'"))
        .says("MAIL before login is refused now on 25 over IPv4: 530 5.7.0 (was 250 2.1.0)")
        .advises(&["login-on-25"]),
    row("port-2587", "origin/origin.mc", 26, Replace("Name=MSA-v6, Port=submission, M=EOa", "Name=MSA-v6, Port=2587, M=EOa"))
        .says("587 over IPv6 is not open any more")
        .says("2587 over IPv6 is open now")
        .advises(&["ipv6-missing"]),
    row("address-127.0.0.1", "origin/origin.mc", 25, Replace("Name=MSA-v4, Port=submission, M=EOa", "Name=MSA-v4, Port=submission, Addr=127.0.0.1, M=EOa"))
        .says("587 over IPv4 is open on 127.0.0.1 only (was open)"),
    row("address-dropped", "red-hat/red-hat.mc", 42, Replace("Port=submission, Addr=127.0.0.1", "Port=submission"))
        .says("587 over IPv4 is open now (was open on 127.0.0.1)"),
    row("listener-removed", "origin/origin.mc", 26, Remove("MSA-v6"))
        .says("587 over IPv6 is not open any more")
        .advises(&["ipv6-missing"]),
    row("no-default-msa-added", "origin-before/origin-before.mc", 18, Before("Name=MTA-v4", "FEATURE(`no_default_msa')dnl"))
        .says("587 over IPv4 is not open any more")
        .spares(&["login-not-required"]),
];

/// Mechanisms, AuthOptions, TRUST_AUTH_MECH.
#[rustfmt::skip]
const LOGIN: &[Row] = &[
    row("mechanism-PLAIN-dropped", "origin/origin.mc", 33, Replace("define(`confAUTH_MECHANISMS', `LOGIN PLAIN ", "define(`confAUTH_MECHANISMS', `LOGIN "))
        .says("PLAIN is no longer offered on 587 (both families)")
        .advises(&["mechanism-not-offered"]),
    row("option-p-added", "origin/origin.mc", 33, Before("define(`confAUTH_MECHANISMS'", "define(`confAUTH_OPTIONS', `p')dnl"))
        .says("LOGIN is no longer offered in clear text on 587 (both families)")
        .says("PLAIN is no longer offered in clear text on 587 (both families)")
        .spares(&["password-in-clear"]),
    row("option-p-dropped", "auth-options/auth-options.mc", 23, Replace("`A p y'", "`A y'"))
        .says("LOGIN is offered in clear text on 587 (both families) now")
        .says("PLAIN is offered in clear text on 587 (both families) now")
        .advises(&["password-in-clear"]),
    row("option-y-dropped", "auth-options/auth-options.mc", 23, Replace("`A p y'", "`A p'"))
        .says("AuthOptions is A p (was A p y)"),
    row("trust-removed", "origin/origin.mc", 34, Remove("TRUST_AUTH_MECH("))
        .says("users who logged in may not send to other domains through 25 and 587 (both families): 550 5.7.1 (was 250 2.1.5)")
        .advises(&["no-trust-auth-mech"]),
    row("trust-in-part", "origin/origin.mc", 34, Replace("TRUST_AUTH_MECH(`LOGIN PLAIN ", "TRUST_AUTH_MECH(`"))
        .says("users who logged in by LOGIN or PLAIN may not send to other domains through 587 (both families): 550 5.7.1 (was 250 2.1.5)")
        .advises(&["no-trust-auth-mech"]),
    row("trust-added", "origin-before/origin-before.mc", 48, Before("MAILER(`local')", "TRUST_AUTH_MECH(`DIGEST-MD5 CRAM-MD5')dnl"))
        .says("users who logged in may send to other domains through 25 (both families) and 587 over IPv4: 250 2.1.5 (was 550 5.7.1)")
        .spares(&["no-trust-auth-mech"]),
];

/// Certificates.
#[rustfmt::skip]
const TLS: &[Row] = &[
    row("server-key-removed", "origin/origin.mc", 43, Remove("define(`confSERVER_KEY'"))
        .says("STARTTLS is no longer offered on 25 and 587 (both families)")
        .advises(&["starttls-absent"]),
    row("cacert-path-removed", "origin/origin.mc", 40, Remove("define(`confCACERT_PATH'"))
        .says("STARTTLS is no longer offered on 25 and 587 (both families)")
        .advises(&["starttls-absent"]),
    row("server-key-removed-with-465", "implicit-tls/implicit-tls.mc", 32, Remove("define(`confSERVER_KEY'"))
        .says("STARTTLS is no longer offered on 25 and 587 (both families)")
        .says("the greeting on 465 (both families) is connection closed now (was 220)")
        .advises(&["starttls-absent", "login-impossible"]),
];

/// Limits, privacy, names.
#[rustfmt::skip]
const OPTIONS: &[Row] = &[
    row("message-size", "origin/origin.mc", 52, Before("undefine(", "define(`confMAX_MESSAGE_SIZE', `10485760')dnl"))
        .says("the largest message is 10485760 octets (was unlimited)"),
    row("recipients", "origin/origin.mc", 52, Before("undefine(", "define(`confMAX_RCPTS_PER_MESSAGE', `5')dnl"))
        .says("the largest number of recipients is 5 (was not set)")
        .advises(&["recipients-too-few"]),
    row("queue-only", "origin/origin.mc", 52, Before("undefine(", "define(`confDELIVERY_MODE', `queueonly')dnl"))
        .says("the way of delivery is queueonly (was background)")
        .advises(&["mail-only-queued"]),
    row("privacy", "origin/origin.mc", 52, Before("undefine(", "define(`confPRIVACY_FLAGS', `novrfy,noexpn')dnl"))
        .says("on 25 and 587 (both families) EXPN does not tell about addresses any more: 502 5.7.0 (was 250 2.1.5)")
        .says("on 25 and 587 (both families) VRFY does not tell about addresses any more: 252 2.5.2 (was 250 2.1.5)")
        .says("VERB is no longer offered on 25 and 587 (both families)")
        .spares(&["addresses-told"]),
    row("domain-name", "origin/origin.mc", 52, Before("undefine(", "define(`confDOMAIN_NAME', `smtp.site.example')dnl"))
        .says("the server calls itself smtp.site.example on 25 and 587 (both families) (was [host])"),
    row("greet-pause", "debian/debian.mc", 38, Replace("FEATURE(`greet_pause', `1000')", "FEATURE(`greet_pause', `3000')"))
        .says("the wait before the greeting is 3.0 s (was 1.0 s)"),
];

/// Relaying, routes and names of senders.
#[rustfmt::skip]
const RELAY: &[Row] = &[
    row("open-relay-made", "origin/origin.mc", 52, Before("undefine(", "FEATURE(`promiscuous_relay')dnl"))
        .says("strangers may send to other domains through 25 (both families): 250 2.1.5 (was 550 5.7.1)")
        .advises(&["open-relay"]),
    row("open-relay-after-mailer", "origin/origin.mc", 60, Append("FEATURE(`promiscuous_relay')dnl"))
        .says("strangers may send to other domains through 25 (both families): 250 2.1.5 (was 550 5.7.1)")
        .advises(&["open-relay", "feature-after-mailer"]),
    row("open-relay-closed", "open-relay/open-relay.mc", 19, Remove("FEATURE(`promiscuous_relay"))
        .says("strangers may not send to other domains through 25 (both families): 550 5.7.1 (was 250 2.1.5)")
        .spares(&["open-relay"]),
    row("smart-host", "smart-host/smart-host.mc", 12, Replace("[smtp.provider.example]", "[relay.other.example]"))
        .says("mail to someone@far.example goes to relay: someone@far.example via [relay.other.example], port 587 (was relay: someone@far.example via [smtp.provider.example], port 587)"),
    row("smart-host-removed", "smart-host/smart-host.mc", 12, Remove("define(`SMART_HOST'"))
        .says("mail to someone@far.example goes to esmtp: someone@far.example via far.example (was relay: someone@far.example via [smtp.provider.example], port 587)"),
    row("masquerade", "masquerade/masquerade.mc", 18, Replace("MASQUERADE_AS(`site.example'", "MASQUERADE_AS(`other.example'"))
        .says("what alice sends has the header From: <alice@other.example> (was <alice@site.example>)")
        .says("what alice sends has the sender alice@other.example (was alice@site.example)"),
];

/// Files beside the `.mc`.
#[rustfmt::skip]
const TABLES: &[Row] = &[
    row("virtusertable-elsewhere", "virtual-hosting/virtusertable", 3, Replace("returns@books.example\t\tbob", "returns@books.example\t\talice"))
        .says("mail to returns@books.example goes to local: alice (was local: bob)"),
    row("virtusertable-catch-all", "virtual-hosting/virtusertable", 5, Remove("@books.example\t\t\terror"))
        .says("no table names someone@books.example any more (was not deliverable: No such address in books.example)"),
    row("genericstable", "virtual-hosting/genericstable", 2, Replace("orders@books.example", "alice@music.example"))
        .says("what alice sends has the header From: <alice@music.example> (was <orders@books.example>)")
        .says("what alice sends has the sender alice@music.example (was orders@books.example)"),
    row("access-from", "access/access", 6, Remove("From:spammer.example"))
        .says("no table is about mail from probe@spammer.example any more (was 550 5.7.1)"),
    row("access-to", "access/access", 9, Replace("550 Has left us", "450 Has left us"))
        .says("mail to former@mail.site.example is answered with 450 5.7.1 now on 25 over IPv4 (was 550 5.7.1)"),
    row("access-client-rate", "debian/access", 3, Replace("ClientRate:\t\t\t60", "ClientRate:\t\t\t2"))
        .says("the number of connections that an address has in a minute is 2 (was 60)"),
    row("alias", "freebsd/aliases", 5, Remove("sales:"))
        .says("no table names sales any more (was local: alice, local: bob)"),
    row("local-host-names", "debian/local-host-names", 2, Remove("site.example"))
        .says("no table names alice@site.example any more (was local: alice)"),
];

/// Filters and what m4 says.
#[rustfmt::skip]
const OTHERS: &[Row] = &[
    row("milter-let-through", "milter/milter.mc", 23, Replace(" F=T,", ""))
        .says("MAIL before login is accepted now on 25 (both families) in clear text: 250 2.1.0 (was 451 4.3.2)")
        .says("STARTTLS works now on 25 and 587 (both families): the certificate verifies (was 454 4.7.0)")
        .says("milter checker: mail passes unfiltered while it does not run (was mail is put off while it does not run)")
        .advises(&["milter-down"]),
    row("milter-reject", "milter/milter.mc", 23, Replace("F=T,", "F=R,"))
        .says("the greeting on 25 and 587 (both families) is 554 now (was 220)")
        .says("milter checker: mail is refused while it does not run (was mail is put off while it does not run)")
        .advises(&["milter-down"])
        .spares(&["starttls-absent"]),
    row("no-mailer-smtp", "origin/origin.mc", 59, Remove("MAILER(`smtp')"))
        .says("MAIL before login is refused now on 25 (both families): 553 5.1.2 (was 250 2.1.0)")
        .says("users who logged in may not send to other domains through 25 and 587 (both families): 553 5.1.2 (was 250 2.1.5)")
        .says("mail to someone@far.example is not deliverable: Unrecognized host name far.example. (was esmtp: someone@far.example via far.example)"),
    row("deprecated-name", "origin/origin.mc", 33, Before("define(`confAUTH_MECHANISMS'", "FEATURE(`blacklist_recipients')dnl"))
        .advises(&["deprecated", "m4-complains"]),
    row("feature-needs-another", "debian/debian.mc", 39, Remove("FEATURE(`delay_checks'"))
        .says("a sender without a domain is refused after login now on 25 and 587 (both families): 553 5.5.4 (was 250 2.1.0)")
        .advises(&["m4-complains"]),
];

/// What cannot be built or started: refused with the line, and what to do.
#[rustfmt::skip]
const REFUSED: &[Row] = &[
    row("service-mistyped", "origin/origin.mc", 0, Replace("Name=MSA-v6, Port=submission", "Name=MSA-v6, Port=submision"))
        .refused(&["origin.mc:26", "submision", "submission (587)"]),
    row("no-default-msa-removed", "origin/origin.mc", 0, Remove("no_default_msa"))
        .refused(&["two listeners want 587/inet", "MSA-v4 (", "origin.mc:24)", "MSA (sendmail's own", "FEATURE(`no_default_msa')dnl"]),
    row("wrong-quotes", "origin/origin.mc", 0, Replace("FEATURE(`no_default_msa')", "FEATURE('no_default_msa')"))
        .refused(&["origin.mc:22", "quotes of the wrong kind", "write: FEATURE(`no_default_msa')dnl"]),
    row("quote-not-closed", "origin/origin.mc", 0, Replace("`/etc/mail/tls/ca.pem')", "`/etc/mail/tls/ca.pem)"))
        .refused(&["origin.mc:41", "never closed"]),
];

/// Controls: nothing that is asked is different.
#[rustfmt::skip]
const SAME: &[Row] = &[
    row("comment", "origin/origin.mc", 36, Replace("dnl TLS.", "dnl Transport layer security.")),
    row("dnl-missing", "origin/origin.mc", 41, Replace("ca.pem')dnl", "ca.pem')")),
    row("listener-renamed", "origin/origin.mc", 25, Replace("Name=MSA-v4", "Name=MSA")),
    row("port-by-name", "implicit-tls/implicit-tls.mc", 23, Replace("Name=MSAS-v6, Port=465", "Name=MSAS-v6, Port=smtps")),
    row("modifier-O-dropped", "origin/origin.mc", 26, Replace("Name=MSA-v6, Port=submission, M=EOa", "Name=MSA-v6, Port=submission, M=Ea")),
];

/// With cases as well: verdicts add what belongs to the edit, and no noise. One case asks for 530 after HELO,
/// one for its code.
#[rustfmt::skip]
const WITH_CASES: &[Row] = &[
    row("cases::modifier-a-dropped", "origin/origin.mc", 25, Replace("Name=MSA-v4, Port=submission, M=EOa", "Name=MSA-v4, Port=submission, M=EO"))
        .says("login is not required on 587 over IPv4: MAIL before it is accepted with 250 2.1.0 (was 530 5.7.0)")
        .says("rfc6409-4.3-mail-refused-before-authentication fails now (was pass)")
        .says("rfc3207-4.2-helo-state-forgotten gets a warning now (was pass)")
        .says("rfc6409-4.3-code-530 gets a warning now (was pass)")
        .advises(&["login-not-required"])
        .with_cases(),
    row("cases::open-relay-made", "origin/origin.mc", 52, Before("undefine(", "FEATURE(`promiscuous_relay')dnl"))
        .says("strangers may send to other domains through 25 (both families): 250 2.1.5 (was 550 5.7.1)")
        .says("rfc5068-3.2-no-open-relay fails now (was pass)")
        .advises(&["open-relay"])
        .with_cases(),
];
