use rstest::rstest;

use super::*;
use crate::check::daemon::daemons;

const MSA: &str = "O DaemonPortOptions=Port=587, Name=MSA, M=E";
const BOTH: &str = "O DaemonPortOptions=Family=inet, Name=MSA-v4, Port=587, M=Ea\n\
    O DaemonPortOptions=Family=inet6, Name=MSA-v6, Port=587, M=Ea\n";
const TRUSTED: &str = "C{TrustAuthMech}LOGIN PLAIN\nO AuthOptions=A p y\n";
const CERTIFICATES: &str = "O CACertPath=/etc/ssl/certs\nO CACertFile=/etc/mail/ca.pem\n\
    O ServerCertFile=/etc/mail/host.pem\nO ServerKeyFile=/etc/mail/host.key\n";

/// Facts a line each: `587/inet MAIL before login, clear = 530 5.7.0`; `!` before a mechanism, `+` before a keyword.
fn facts(text: &str) -> Facts {
    let mut facts = Facts::default();
    for line in text
        .split('|')
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (about, answer) = line.split_once(" = ").unwrap();
        let (place, question) = about.split_once(' ').unwrap();
        match question.split_at(1) {
            ("!", mechanism) => facts.note(Area::Mechanisms, place, mechanism, answer),
            ("+", keyword) => facts.note(Area::Keywords, place, keyword, answer),
            ("#", case) => facts.note(Area::Verdicts, "", case, answer),
            _ => facts.note(Area::Answers, place, question, answer),
        }
    }
    facts
}

fn found(mc: &str, cf: &str, heard: &str, listeners: &[ListenerFinding]) -> Vec<Advice> {
    let mc = Mc::parse("site.mc", mc.as_bytes()).unwrap();
    let cf = Cf::parse(cf);
    let placed = |line: &str| {
        let value = line.strip_prefix("O DaemonPortOptions=")?;
        let mut own = mc.find("DAEMON_OPTIONS");
        let statement = own.find(|it| it.argument(0) == value)?;
        Some(mc.place(statement.first, statement.last))
    };
    advice(&Evidence {
        mc: &mc,
        cf: &cf,
        daemons: &daemons(&cf).unwrap(),
        facts: &facts(heard),
        listeners,
        placed: &placed,
    })
}

fn own(mc: &str, cf: &str, heard: &str, listeners: &[ListenerFinding]) -> Vec<Advice> {
    let names: Vec<_> = TOPICS
        .iter()
        .copied()
        .flatten()
        .map(|rule| rule.id)
        .collect();
    let mut all = found(mc, cf, heard, listeners);
    all.retain(|advice| names.contains(&advice.id.as_str()));
    all
}

fn names(advice: &[Advice]) -> Vec<String> {
    let marked = advice.iter().map(|advice| match advice.kind {
        Kind::Fault => format!("{}!", advice.id),
        Kind::Hint => advice.id.clone(),
    });
    marked.collect()
}

fn listener(name: &str, open: bool, optional: bool) -> ListenerFinding {
    ListenerFinding {
        listener: name.to_owned(),
        name: None,
        address: None,
        promised: true,
        open,
        optional,
    }
}

#[rstest]
#[case::in_clear("587/inet !PLAIN, clear = 235 2.7.0 | 587/inet STARTTLS = works, the certificate verifies", &["password-in-clear!"])]
#[case::in_clear_and_refused("587/inet !LOGIN, clear = 535 5.7.0", &["password-in-clear!"])]
#[case::inside_tls_only("587/inet !PLAIN, clear = not offered | 587/inet !PLAIN, TLS = 235 2.7.0", &[])]
#[case::md5_in_clear(
    "587/inet !CRAM-MD5, clear = 235 2.7.0 | 587/inet STARTTLS = works, the certificate verifies",
    &["login-without-tls", "md5-without-secrets"]
)]
#[case::md5_promised_only("587/inet !CRAM-MD5, clear = not offered", &[])]
#[case::needs_login("587/inet MAIL before login, clear = 530 5.7.0 | 587/inet !PLAIN, TLS = 235 2.7.0", &[])]
#[case::nobody_can("587/inet MAIL before login, clear = 530 5.7.0", &["login-impossible!"])]
#[case::relays_for_users("587/inet !PLAIN, TLS = 235 2.7.0 | 587/inet RCPT elsewhere after login = 250 2.1.5", &[])]
#[case::not_trusted("587/inet !SCRAM-SHA-256, TLS = 235 2.7.0 | 587/inet RCPT elsewhere after login = 550 5.7.1", &["no-trust-auth-mech"])]
#[case::refused_by_the_access_map("587/inet !PLAIN, TLS = 235 2.7.0 | 587/inet RCPT elsewhere after login = 550 5.7.1", &[])]
#[case::too_many("587/inet STARTTLS = 421 4.7.0", &[])]
#[case::broken("587/inet STARTTLS = 454 4.3.3", &["starttls-fails!"])]
#[case::no_handshake("587/inet STARTTLS = TLS handshake failed", &["starttls-fails!"])]
#[case::not_supplied("587/inet STARTTLS = not offered", &["starttls-absent"])]
#[case::self_signed("587/inet STARTTLS = works, the certificate does not verify", &[])]
#[case::etrn("587/inet ETRN = 502 5.7.0", &[])]
#[case::addresses("587/inet VRFY = 252 2.5.2 | 587/inet EXPN = 502 5.7.0", &[])]
#[case::addresses_told("587/inet VRFY = 250 2.1.5 | 25/inet EXPN = 250 2.1.5", &["addresses-told"])]
#[case::open_on_587("587/inet RCPT elsewhere before login, TLS = 250 2.1.5", &["open-relay!"])]
#[case::not_now("587/inet RCPT elsewhere before login, clear = 450 4.7.1", &[])]
#[case::found_by_the_case("- #rfc5068-3.2-no-open-relay = fail", &["open-relay!"])]
#[case::not_found_by_the_case("- #rfc5068-3.2-no-open-relay = pass", &[])]
fn a_submission_server_is_judged_by_what_was_seen(#[case] heard: &str, #[case] expected: &[&str]) {
    let cf = [BOTH, TRUSTED, CERTIFICATES].concat();
    assert_eq!(names(&own("", &cf, heard, &[])), expected);
}

#[rstest]
#[case::relay_between_servers(
    "",
    "25/inet MAIL before login, clear = 250 2.1.0 | 25/inet RCPT elsewhere before login, clear = 550 5.7.1"
)]
#[case::login_on_25(
    "",
    "25/inet !PLAIN, clear = 235 2.7.0 | 25/inet RCPT elsewhere after login = 550 5.7.1"
)]
#[case::no_tls_on_25("", "25/inet STARTTLS = not offered | 25/inet ETRN = 250 2.0.0")]
#[case::authorities_of_a_client(
    "O CACertFile=/etc/ca.pem\nO CACertPath=/etc/ssl",
    "25/inet STARTTLS = not offered"
)]
#[case::after_the_filter(
    "O DaemonPortOptions=Port=10025, Addr=127.0.0.1, Name=back, M=O",
    "10025/inet MAIL before login, clear = 250 2.1.0 | 10025/inet RCPT elsewhere before login, clear = 250 2.1.5"
)]
#[case::this_machine_only(
    "O DaemonPortOptions=Port=587, Addr=127.0.0.1, Name=MSA",
    "587/inet MAIL before login, clear = 250 2.1.0 | 587/inet !PLAIN, clear = 235 2.7.0 | 587/inet STARTTLS = not offered | 587/inet +ETRN, clear = offered"
)]
fn what_is_meant_so_is_no_fault(#[case] more: &str, #[case] heard: &str) {
    let cf = format!(
        "O DaemonPortOptions=Name=MTA\nO DaemonPortOptions=Name=MTA6, Family=inet6, M=O\n{more}\n"
    );
    assert_eq!(names(&own("", &cf, heard, &[])), [""; 0]);
}

#[rstest]
#[case::null_client("FEATURE(`nullclient', `hub.example')dnl\n", &[])]
#[case::others("", &["login-not-required!", "no-trust-auth-mech", "md5-without-secrets", "ipv6-missing"])]
fn a_null_client_has_no_users(#[case] mc: &str, #[case] expected: &[&str]) {
    let cf = format!("O DaemonPortOptions=Name=MTA\n{MSA}\n");
    let heard = "587/inet MAIL before login, clear = 250 2.1.0 | 587/inet !CRAM-MD5, clear = 235 2.7.0 \
        | 587/inet RCPT elsewhere after login = 550 5.7.1";
    assert_eq!(names(&own(mc, &cf, heard, &[])), expected);
}

#[rstest]
#[case::own_list(
    "",
    "",
    Kind::Hint,
    "sendmail's own list of mechanisms is offered, and nobody"
)]
#[case::of_a_file("", "C{TrustAuthMech}LOGIN", Kind::Hint, "does not name PLAIN.")]
#[case::named(
    "define(`confAUTH_MECHANISMS', `PLAIN')dnl\n",
    "",
    Kind::Fault,
    "does not name PLAIN."
)]
#[case::trusted(
    "TRUST_AUTH_MECH(`LOGIN')dnl\n",
    "C{TrustAuthMech}LOGIN",
    Kind::Fault,
    "does not name PLAIN."
)]
fn a_list_that_nobody_wrote_is_no_fault(
    #[case] mc: &str,
    #[case] cf: &str,
    #[case] kind: Kind,
    #[case] words: &str,
) {
    let heard =
        "587/inet !PLAIN, TLS = 235 2.7.0 | 587/inet RCPT elsewhere after login = 550 5.7.1";
    let advice = own(mc, &format!("{BOTH}{cf}\n"), heard, &[]);
    let [only] = advice.as_slice() else {
        panic!("{:?}", names(&advice));
    };
    assert_eq!((only.id.as_str(), only.kind), ("no-trust-auth-mech", kind));
    assert!(only.what.contains(words), "{}", only.what);
}

#[rstest]
#[case::promiscuous("FEATURE(`promiscuous_relay')dnl\n", "", &["open-relay!"], "lets everybody")]
#[case::access_map("FEATURE(`access_db')dnl\n", "", &["open-relay!"], "the access map")]
#[case::several("FEATURE(`relay_entire_domain')dnl\nFEATURE(`access_db')dnl\n", "", &["open-relay!"], "and the access map")]
#[case::seen("", "", &["open-relay!"], "RCPT for another domain is answered with 250")]
#[case::nothing_known("", "", &["open-relay!"], "on 25/inet.")]
#[case::own_network("RELAY_DOMAIN(`172.16')dnl\n", "C{R}172.16", &["open-relay"], "make sure")]
#[case::own_network_and_open("FEATURE(`promiscuous_relay')dnl\n", "C{R}172.16", &["open-relay!"], "lets everybody")]
fn what_opens_a_relay_is_named(
    #[case] mc: &str,
    #[case] cf: &str,
    #[case] expected: &[&str],
    #[case] words: &str,
) {
    let cf = [BOTH, TRUSTED, CERTIFICATES, cf].concat();
    let heard = "25/inet RCPT elsewhere before login, clear = 250 2.1.5";
    let advice = own(mc, &cf, heard, &[]);
    assert_eq!(names(&advice), expected);
    assert!(advice[0].what.contains(words), "{}", advice[0].what);
    assert_eq!(advice[0].place.is_some(), !mc.is_empty());
    assert!(!advice[0].remedy.contains("access_db"));
    assert_eq!(!advice[0].remedy.is_empty(), mc.contains("promiscuous"));
    let heard = format!("{heard} | 25/inet6 RCPT elsewhere before login, clear = 250 2.1.5");
    assert_eq!(names(&own(mc, &cf, &heard, &[])), ["open-relay!"]);
    let heard = heard.replace(
        "inet6 RCPT elsewhere before login, clear = 250",
        "inet6 RCPT elsewhere before login, clear = 550",
    );
    let by_network = !mc.contains("promiscuous");
    assert_eq!(own(mc, &cf, &heard, &[])[0].kind == Kind::Hint, by_network);
}

#[rstest]
#[case::one_beside("O DaemonPortOptions=Port=587, Name=OWN, M=Ea", &["default-msa-beside!", "ipv6-missing"])]
#[case::over_ipv6_only("O DaemonPortOptions=Port=587, Family=inet6, Name=OWN, M=Ea", &[])]
#[case::on_465("O DaemonPortOptions=Port=465, Name=OWN, M=sEa", &["starttls-absent!", "ipv6-missing"])]
#[case::twice("O DaemonPortOptions=Port=2525, Name=A\nO DaemonPortOptions=Port=2525, Name=B", &["listener-twice!", "ipv6-missing"])]
#[case::two_addresses("O DaemonPortOptions=Addr=192.0.2.1, Name=A\nO DaemonPortOptions=Addr=192.0.2.2, Name=B", &["ipv6-missing"])]
fn a_port_is_there_once(#[case] cf: &str, #[case] expected: &[&str]) {
    assert_eq!(
        names(&own("", &format!("{cf}\n{MSA}\n"), "", &[])),
        expected
    );
}

#[rstest]
#[case::sibling("Port=587, Name=A, M=Ea|Name=B|Name=C, Family=inet6", &["ipv6-missing!"], ", while 25 listens on both.")]
#[case::of_465("Port=465, Name=A, M=Ea|Port=587, Name=B, M=Ea|Port=587, Name=C, Family=inet6, M=Ea", &["ipv6-missing!"], ", while 587 listens on both.")]
#[case::none_has_both("Port=587, Name=A, M=Ea|Name=C, Family=inet6", &["ipv6-missing"], "587 over IPv4 only.")]
#[case::mixed("Name=A|Port=587, Name=B, Family=inet6, M=Ea", &["ipv6-missing"], "25 over IPv4 only.")]
#[case::port_25("Name=A|Port=587, Name=B, M=Ea|Port=587, Name=C, Family=inet6, M=Ea", &["ipv6-missing"], "25 over IPv4 only.")]
#[case::own_port("Port=2525, Name=A|Name=B|Name=C, Family=inet6", &[], "")]
#[case::own_port_of_users("Port=2525, Name=A, M=a|Port=587, Name=B, M=Ea|Port=587, Name=C, Family=inet6, M=Ea", &[], "")]
fn ipv6_is_missing_where_a_sibling_has_it(
    #[case] listeners: &str,
    #[case] expected: &[&str],
    #[case] words: &str,
) {
    let lines = listeners.split('|');
    let cf: String = lines
        .map(|it| format!("O DaemonPortOptions={it}\n"))
        .collect();
    let mut advice = own("", &cf, "", &[]);
    advice.retain(|advice| advice.id == "ipv6-missing");
    assert_eq!(names(&advice), expected);
    let what = advice.first().map_or("", |advice| &advice.what);
    assert!(what.ends_with(words), "{what}");
}

#[test]
fn a_login_on_25_is_a_hint() {
    let cf =
        "O DaemonPortOptions=Name=MTA, M=a\nO DaemonPortOptions=Name=MTA6, Family=inet6, M=a\n";
    assert_eq!(names(&own("", cf, "", &[])), ["login-on-25"]);
}

#[rstest]
#[case::tempfail(", F=T", "O InputMailFilters=checker", "454 4.7.0", &["milter-down"])]
#[case::rejected(", F=R", "O InputMailFilters=checker", "554 5.7.0", &["milter-down"])]
#[case::passes("", "O InputMailFilters=checker", "454 4.3.3", &["starttls-fails!", "milter-down"])]
#[case::handshake(", F=T", "O InputMailFilters=checker", "TLS handshake failed", &["starttls-fails!", "milter-down"])]
#[case::unused(", F=T", "", "454 4.3.3", &["starttls-fails!"])]
fn a_filter_that_is_down_stops_starttls(
    #[case] flag: &str,
    #[case] filters: &str,
    #[case] answer: &str,
    #[case] expected: &[&str],
) {
    let cf = format!("{BOTH}{CERTIFICATES}Xchecker, S=local:/run/x{flag}\n{filters}\n");
    let advice = own("", &cf, &format!("587/inet STARTTLS = {answer}"), &[]);
    assert_eq!(names(&advice), expected);
    let is_told = advice.iter().any(|it| {
        it.what
            .ends_with("STARTTLS is answered with 454 meanwhile on 587/inet.")
    });
    let is_put_off = expected == ["milter-down"] && answer.starts_with("454");
    assert_eq!(is_told, is_put_off);
}

#[rstest]
#[case::open("EOa", true, true, &["optional-submission"], "would hide it if")]
#[case::hidden("EOa", false, true, &["optional-submission!"], "has hidden that 587/inet6 could not be opened")]
#[case::seen("Ea", false, false, &["promised-closed!"], "587/inet6 is promised")]
fn o_hides_a_failure(
    #[case] modifiers: &str,
    #[case] open: bool,
    #[case] optional: bool,
    #[case] expected: &[&str],
    #[case] words: &str,
) {
    let cf = BOTH.replace("M=Ea", &format!("M={modifiers}"));
    let findings = [
        listener("587/inet", true, optional),
        listener("587/inet6", open, optional),
    ];
    let advice = own("", &cf, "", &findings);
    assert_eq!(names(&advice), expected);
    assert!(advice[0].what.contains(words), "{}", advice[0].what);
}

#[rstest]
#[case("S=local:/run/x, F=T", "asked to come again", "")]
#[case(
    "S=local:/run/x",
    "passes unfiltered",
    "INPUT_MAIL_FILTER(`checker', `S=local:/run/x, F=T')dnl\n"
)]
#[case(
    "S=local:/run/x, F=, T=C:5s;S:10s",
    "passes unfiltered",
    "INPUT_MAIL_FILTER(`checker', `S=local:/run/x, T=C:5s;S:10s, F=T')dnl\n"
)]
fn a_filter_that_is_down_is_a_hint(
    #[case] fields: &str,
    #[case] words: &str,
    #[case] remedy: &str,
) {
    let cf =
        format!("{BOTH}O InputMailFilters=checker\nXchecker, {fields}\nXunused, S=local:/run/y\n");
    let advice = own("", &cf, "", &[]);
    assert_eq!(names(&advice), ["milter-down"]);
    assert!(advice[0].what.contains(words), "{}", advice[0].what);
    assert_eq!(advice[0].remedy, remedy);
}

#[rstest]
#[case::login(
    "DAEMON_OPTIONS(`Port=465, Name=TLS, M=s')dnl\n",
    "O DaemonPortOptions=Port=465, Name=TLS, M=s",
    "465/inet MAIL before login, TLS = 250 2.1.0",
    "login-not-required",
    "DAEMON_OPTIONS(`Port=465, Name=TLS, M=sEa')dnl\n",
    Some(1)
)]
#[case::etrn(
    "\nDAEMON_OPTIONS(`Port=465, Name=TLS, M=sa')dnl\n",
    "O DaemonPortOptions=Port=465, Name=TLS, M=sa",
    "465/inet +ETRN, TLS = offered",
    "etrn-on-submission",
    "DAEMON_OPTIONS(`Port=465, Name=TLS, M=saE')dnl\n",
    Some(2)
)]
#[case::default_msa(
    "",
    "O DaemonPortOptions=Name=MTA\nO DaemonPortOptions=Port=587, Name=MSA, M=E",
    "587/inet MAIL before login, clear = 250 2.1.0",
    "login-not-required",
    "FEATURE(`no_default_msa')dnl\nDAEMON_OPTIONS(`Name=MTA')dnl\nDAEMON_OPTIONS(`Port=587, Name=MSA, M=Ea')dnl\n",
    None
)]
#[case::ipv6(
    "DAEMON_OPTIONS(`Family=inet, Name=MSA-v4, Port=submission, M=EOa')dnl\n",
    "O DaemonPortOptions=Family=inet, Name=MSA-v4, Port=submission, M=EOa\nO DaemonPortOptions=Family=inet6, Port=25",
    "",
    "ipv6-missing",
    "DAEMON_OPTIONS(`Family=inet6, Name=MSA-v6, Port=submission, M=EOa')dnl\n",
    Some(1)
)]
#[case::ipv6_beside_defaults(
    "",
    "O DaemonPortOptions=Name=MTA\nO DaemonPortOptions=Port=587, Name=MSA, M=E",
    "",
    "ipv6-missing",
    "DAEMON_OPTIONS(`Name=MTA')dnl\nDAEMON_OPTIONS(`Family=inet6, Name=MSA-v6, Port=587, M=Ea')dnl\nDAEMON_OPTIONS(`Family=inet6, Name=MTA-v6')dnl\n",
    None
)]
#[case::letters(
    "define(`confAUTH_OPTIONS', `A y')dnl\n",
    "O DaemonPortOptions=Port=587, M=Ea\nO AuthOptions=A y",
    "587/inet !PLAIN, clear = 235 2.7.0",
    "password-in-clear",
    "define(`confAUTH_OPTIONS', `A y p')dnl\n",
    Some(1)
)]
#[case::commas(
    "",
    "O DaemonPortOptions=Port=587, M=Ea\nO AuthOptions=A,y",
    "587/inet !PLAIN, clear = 235 2.7.0",
    "password-in-clear",
    "define(`confAUTH_OPTIONS', `A,y,p')dnl\n",
    None
)]
#[case::certificates(
    "define(`confSERVER_CERT', `/etc/mail/host.pem')dnl\n",
    "O DaemonPortOptions=Port=587, M=Ea\nO CACertPath=/x\nO CACertFile=/y\nO ServerCertFile=/etc/mail/host.pem",
    "587/inet STARTTLS = not offered",
    "starttls-absent",
    "dnl The files have to exist, and the key to be of mode 0600. Without them there is no TLS, and nobody\n\
     dnl can log in by LOGIN or PLAIN once p is in confAUTH_OPTIONS.\n\
     define(`confSERVER_KEY', `/etc/mail/certs/host.key')dnl\n",
    Some(1)
)]
#[case::flags(
    "",
    "O DaemonPortOptions=Port=587, M=Ea\nO PrivacyOptions=  authwarnings",
    "587/inet VRFY = 250 2.1.5",
    "addresses-told",
    "define(`confPRIVACY_FLAGS', `authwarnings,novrfy')dnl\n",
    None
)]
#[case::relay(
    "FEATURE(`promiscuous_relay')dnl\n",
    "O DaemonPortOptions=Port=587, M=Ea",
    "587/inet RCPT elsewhere before login, clear = 250 2.1.5",
    "open-relay",
    "dnl FEATURE(`promiscuous_relay')dnl\n",
    Some(1)
)]
#[case::trust(
    "",
    "O DaemonPortOptions=Port=587, M=Ea",
    "587/inet !PLAIN, TLS = 235 2.7.0 | 587/inet !LOGIN, TLS = 235 2.7.0 | 587/inet RCPT elsewhere after login = 550 5.7.1",
    "no-trust-auth-mech",
    "TRUST_AUTH_MECH(`LOGIN PLAIN')dnl\n",
    None
)]
#[case::md5_alone(
    "",
    "O DaemonPortOptions=Port=587, M=Ea\nO AuthMechanisms=CRAM-MD5 DIGEST-MD5",
    "587/inet !CRAM-MD5, TLS = 235 2.7.0",
    "md5-without-secrets",
    "define(`confAUTH_MECHANISMS', `LOGIN PLAIN')dnl\nTRUST_AUTH_MECH(`LOGIN PLAIN')dnl\ndefine(`confAUTH_OPTIONS', `p')dnl\n",
    None
)]
fn the_remedy_can_be_pasted(
    #[case] mc: &str,
    #[case] cf: &str,
    #[case] heard: &str,
    #[case] id: &str,
    #[case] remedy: &str,
    #[case] line: Option<usize>,
) {
    let cf = format!("{cf}\n");
    let advice = own(mc, &cf, heard, &[]);
    let advice = advice.iter().find(|advice| advice.id == id).unwrap();
    let begins_with_it = advice.remedy.starts_with(remedy);
    assert!(begins_with_it, "{}", advice.remedy);
    assert_eq!(advice.place.as_ref().map(|place| place.first), line);
}

#[rstest]
#[case::scram(
    "O AuthMechanisms=SCRAM-SHA-256 CRAM-MD5 DIGEST-MD5",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256"
)]
#[case::kerberos(
    "O AuthMechanisms=EXTERNAL GSSAPI CRAM-MD5",
    "EXTERNAL GSSAPI",
    "GSSAPI"
)]
#[case::certificates(
    "O AuthMechanisms=EXTERNAL CRAM-MD5\nC{TrustAuthMech}EXTERNAL",
    "EXTERNAL",
    "EXTERNAL"
)]
#[case::own_list("", "GSSAPI", "GSSAPI")]
fn what_needs_no_password_is_kept(#[case] cf: &str, #[case] left: &str, #[case] trusted: &str) {
    let heard = "587/inet !CRAM-MD5, clear = 235 2.7.0 | 587/inet !GSSAPI, clear = 535 5.7.0 \
        | 587/inet STARTTLS = works, the certificate verifies";
    let advice = own("", &format!("{BOTH}{cf}\n"), heard, &[]);
    assert_eq!(names(&advice), ["login-without-tls", "md5-without-secrets"]);
    assert_eq!(advice[0].remedy, "");
    assert_eq!(
        advice[1].remedy,
        format!("define(`confAUTH_MECHANISMS', `{left}')dnl\nTRUST_AUTH_MECH(`{trusted}')dnl\n")
    );
}

#[test]
fn a_listener_is_pasted_once() {
    let cf = format!("O DaemonPortOptions=Name=MTA\n{MSA}\n");
    let advice = own(
        "",
        &cf,
        "587/inet MAIL before login, clear = 250 2.1.0",
        &[],
    );
    assert_eq!(names(&advice), ["login-not-required!", "ipv6-missing"]);
    let remedies: String = advice.iter().map(|it| it.remedy.as_str()).collect();
    assert_eq!(remedies.matches("DAEMON_OPTIONS(`Name=MTA')").count(), 1);
    assert!(advice[1].remedy.contains("Name=MSA-v6"));
}

#[test]
fn faults_come_first_and_nothing_is_said_twice() {
    let cf = format!("{BOTH}O AuthOptions=y\n{CERTIFICATES}C{{TrustAuthMech}}LOGIN\n")
        .replace("M=Ea", "M=EOa");
    let mc = "define(`confAUTH_MECHANISMS', `LOGIN PLAIN')dnl\nTRUST_AUTH_MECH(`LOGIN')dnl\n";
    let heard = "587/inet !PLAIN, clear = 235 2.7.0 | 587/inet6 !PLAIN, clear = 235 2.7.0 \
        | 587/inet RCPT elsewhere after login = 550 5.7.1";
    let all = found(mc, &cf, heard, &[]);
    let kinds: Vec<_> = all.iter().map(|advice| advice.kind).collect();
    assert!(kinds.is_sorted(), "{kinds:?}");
    let ids: Vec<_> = all.iter().map(|advice| advice.id.as_str()).collect();
    assert!(!ids.contains(&"mechanism-not-trusted"), "{ids:?}");
    let passwords = all.iter().filter(|advice| advice.id == "password-in-clear");
    assert_eq!(
        passwords.map(|it| it.what.as_str()).collect::<Vec<_>>(),
        [
            "PLAIN is offered in clear text on 587/inet and 587/inet6: `p' is missing in confAUTH_OPTIONS."
        ]
    );
}
