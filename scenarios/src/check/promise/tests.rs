use super::super::daemon::daemons;
use super::*;
use rstest::rstest;

const TLS: &str = "O CACertPath=/etc/mail/tls\nO CACertFile=/etc/mail/tls/ca.pem\n\
    O ServerCertFile=/etc/mail/tls/certificate.pem\nO ServerKeyFile=/etc/mail/tls/key.pem\n";
const ORIGIN: &str = "O DaemonPortOptions=Family=inet,  Name=MTA-v4, Port=smtp, M=O\n\
    O DaemonPortOptions=Family=inet6, Name=MTA-v6, Port=smtp, M=O\n\
    O DaemonPortOptions=Family=inet,  Name=MSA-v4, Port=submission, M=EOa\n\
    O DaemonPortOptions=Family=inet6, Name=MSA-v6, Port=submission, M=EOa\n\
    O AuthMechanisms=LOGIN PLAIN DIGEST-MD5 CRAM-MD5\n";

fn of(text: &str) -> Promises {
    let cf = Cf::parse(text);
    harness_promises(&cf, &daemons(&cf).unwrap())
}

#[test]
fn the_origin_promises_what_it_does() {
    let promises = of(&format!("{ORIGIN}{TLS}"));
    let listeners: Vec<_> = promises.listeners.iter().map(ToString::to_string).collect();
    assert_eq!(listeners, ["25/inet", "25/inet6", "587/inet", "587/inet6"]);
    assert!(promises.starttls && promises.authentication_required);
    assert_eq!(
        promises.mechanisms,
        ["LOGIN", "PLAIN", "DIGEST-MD5", "CRAM-MD5"]
    );
    assert_eq!(promises.extensions.len(), 5);
}

#[rstest]
#[case("O AuthOptions=A p y\n", 4)]
#[case("O AuthOptions=a\n", 0)]
#[case("O AuthOptions=f\n", 0)]
#[case("O AuthOptions=A,d\n", 0)]
#[case("O AuthOptions=m\n", 1)]
#[case("O AuthOptions=c\n", 2)]
#[case("O DaemonPortOptions=Port=465, M=sA\n", 0)]
fn what_may_take_a_mechanism_away_leaves_it_unpromised(#[case] line: &str, #[case] left: usize) {
    let promises = of(&format!("{ORIGIN}{TLS}{line}"));
    assert_eq!(promises.mechanisms.len(), left, "{:?}", promises.mechanisms);
}

#[rstest]
#[case("", false, &["LOGIN", "PLAIN", "DIGEST-MD5", "CRAM-MD5"])]
#[case("O AuthOptions=p\n", false, &["DIGEST-MD5", "CRAM-MD5"])]
fn without_tls_passwords_need_clear_text(
    #[case] line: &str,
    #[case] starttls: bool,
    #[case] mechanisms: &[&str],
) {
    let promises = of(&format!("{ORIGIN}{line}"));
    assert_eq!(promises.starttls, starttls);
    assert_eq!(promises.mechanisms, mechanisms);
}

#[rstest]
#[case("O DaemonPortOptions=Port=587, M=ES\n", false, false, 0)]
#[case("O DaemonPortOptions=Port=465, M=sa\n", false, true, 0)]
#[case(
    "O DaemonPortOptions=Port=587\nO DaemonPortOptions=Port=465, M=sa\n",
    true,
    false,
    0
)]
#[case("O DaemonPortOptions=Addr=127.0.0.1, Port=587, M=a\n", false, false, 1)]
fn it_depends_on_the_listeners(
    #[case] lines: &str,
    #[case] starttls: bool,
    #[case] login: bool,
    #[case] hidden: usize,
) {
    let promises = of(&format!("{lines}{TLS}"));
    assert_eq!(
        (promises.starttls, promises.authentication_required),
        (starttls, login)
    );
    assert_eq!(promises.listeners.len(), lines.lines().count() - hidden);
}

#[test]
fn without_a_list_of_mechanisms_sendmail_has_its_own() {
    let promises = of("O DaemonPortOptions=Port=587\nO PrivacyOptions=goaway,noreceipts\n");
    assert_eq!(promises.mechanisms, ["DIGEST-MD5", "CRAM-MD5"]);
    assert!(!promises.extensions.contains(&"DSN".to_owned()));
}

#[rstest]
#[case(
    "O DaemonPortOptions=Family=inet6, Port=587, M=EOa",
    "listener 587/inet6",
    "clients have to log in before MAIL (a)"
)]
#[case(
    "O DaemonPortOptions=Family=inet6, Port=587, M=EOa",
    "listener 587/inet6",
    "none of this demands TLS"
)]
#[case(
    "O DaemonPortOptions=Port=465, M=s, Addr=127.0.0.1",
    "listener 465/inet",
    "127.0.0.1 alone"
)]
#[case(
    "O DaemonPortOptions=Port=465, M=s",
    "listener 465/inet",
    "none of this demands logging in"
)]
#[case(
    "O AuthOptions=A p y",
    "AuthOptions",
    "PLAIN and LOGIN are offered only under TLS (p)"
)]
#[case(
    "O ServerCertFile=/a/b",
    "STARTTLS",
    "not offered: CACertPath, CACertFile and ServerKeyFile are missing"
)]
#[case(
    "O PrivacyOptions=goaway,noetrn",
    "PrivacyOptions",
    "ETRN is refused (noetrn)"
)]
#[case(
    "O MaxMessageSize=10000",
    "MaxMessageSize",
    "larger than 10000 octets are refused"
)]
#[case("O Timeout.ident=0s", "Timeout.ident", "never asked")]
#[case("O Timeout.command=5m", "Timeout.command", "5m instead of 1h")]
#[case("DSesmtp:[sink.test]", "SMART_HOST", "esmtp:[sink.test]")]
#[case("DMexample.com", "MASQUERADE_AS", "example.com")]
#[case("C{TrustAuthMech}LOGIN PLAIN", "TRUST_AUTH_MECH", "LOGIN or PLAIN")]
#[case(
    "Xclam, S=local:/run/x, F=T",
    "milter clam",
    "refused for the time being (F=T)"
)]
#[case("Xclam, S=local:/run/x", "milter clam", "goes on without it")]
#[case(
    "Kvirtuser hash -o /etc/mail/virtusertable",
    "virtusertable",
    "/etc/mail/virtusertable"
)]
#[case(
    "Kdnsbl dns -R A -T<TMP>\nSx\nR$-.$-\t$: <?> $(dnsbl $2.$1.bl.example.org. $: OK $)",
    "dnsbl",
    "bl.example.org"
)]
#[case("SBasic_check_rcpt\nR$*\t$@ OK", "promiscuous_relay", "open relay")]
#[case("Sgreet_pause\nR<?> <$*>\t\t$# 1000", "greet_pause", "1000 ms")]
#[case(
    "O PrivacyOptions=goaway",
    "PrivacyOptions",
    "VRFY gets 252 and tells nothing, EXPN and VERB are refused"
)]
#[case(
    "O Timeout.connect=5m",
    "Timeout.connect",
    "5m instead of the kernel's own limit"
)]
#[case(
    "O Timeout.iconnect=1m",
    "Timeout.iconnect",
    "1m instead of the kernel's own limit"
)]
#[case("O DeliveryMode=b", "DeliveryMode", "in the background (b)")]
#[case(
    "O DeliveryMode=interactive",
    "DeliveryMode",
    "interactively, before the client has the reply (interactive)"
)]
#[case(
    "O DeliveryMode=q",
    "DeliveryMode",
    "only queued, until the queue is run (q)"
)]
#[case("O DeliveryMode=d", "DeliveryMode", "mail is deferred")]
#[case(
    "O DaemonPortOptions=Port=587, DeliveryMode=q",
    "listener 587/inet",
    "only queued, until the queue is run (q)"
)]
#[case(
    "O DaemonPortOptions=Port=587, M=a\nO AuthOptions=A p\nO AuthMechanisms=LOGIN PLAIN",
    "listener 587/inet",
    "to log in TLS is needed (p)"
)]
#[case(
    "O DaemonPortOptions=Port=587, M=a\nO AuthOptions=p\nO AuthMechanisms=PLAIN CRAM-MD5",
    "listener 587/inet",
    "none of this demands TLS"
)]
#[case(
    "O DaemonPortOptions=Port=587, M=a\nO AuthOptions=p",
    "listener 587/inet",
    "none of this demands TLS"
)]
fn it_is_said_in_words(#[case] text: &str, #[case] subject: &str, #[case] words: &str) {
    let cf = Cf::parse(&format!("{text}\n"));
    let promises = explained(&cf, &daemons(&cf).unwrap());
    let found = promises.iter().find(|promise| promise.subject == subject);
    let found = found.unwrap_or_else(|| panic!("{subject} is not among {promises:#?}"));
    assert!(found.words.contains(words), "{}", found.words);
    assert!(
        found.cf.is_empty() || cf.lines().contains(&found.cf),
        "{}",
        found.cf
    );
}

#[rstest]
#[case("Port=587, M=E", "STARTTLS", "offered: CACertPath")]
#[case(
    "Port=587\nO DaemonPortOptions=Port=465, M=s",
    "STARTTLS",
    "offered on 587/inet: CACertPath"
)]
#[case("Port=465, M=s", "TLS", "connections to 465/inet begin with TLS (s)")]
#[case("Port=587, M=S", "TLS", "no listener uses it")]
fn starttls_is_promised_where_a_listener_can_offer_it(
    #[case] daemon: &str,
    #[case] subject: &str,
    #[case] words: &str,
) {
    let cf = Cf::parse(&format!("O DaemonPortOptions={daemon}\n{TLS}"));
    let promises = explained(&cf, &daemons(&cf).unwrap());
    let mut tls = promises.iter().filter(|it| it.subject.ends_with("TLS"));
    let found = tls.next().unwrap();
    assert_eq!(found.subject, subject);
    assert!(found.words.contains(words), "{}", found.words);
}

#[test]
fn an_empty_file_is_no_reason_to_stumble() {
    let cf = Cf::parse("");
    assert!(
        explained(&cf, &daemons(&cf).unwrap())
            .iter()
            .all(|promise| promise.cf.is_empty())
    );
}
