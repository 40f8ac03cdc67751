use rstest::rstest;

use super::*;

fn output(status: i64, stderr: &str) -> Output {
    Output {
        status,
        stdout: String::new(),
        stderr: stderr.to_owned(),
    }
}

#[test]
fn a_complaint_names_the_line_and_what_to_do() {
    let mc = Mc::parse("mail/site.mc", b"divert(0)dnl\nFEATURE('x')dnl\n").unwrap();
    let said = of_m4(
        &mc,
        &output(
            1,
            "m4:/etc/mail/site.mc:2: cannot open `/usr/share/sendmail/cf/feature/'x'.m4': No such file or directory\n",
        ),
    );
    assert!(said.contains("mail/site.mc:2: cannot open"), "{said}");
    assert!(said.contains("FEATURE('x')dnl"), "{said}");
    assert!(said.contains("begins a quote with `"), "{said}");
}

#[rstest]
#[case(
    "WARNING: FEATURE(`promiscuous_relay') configures your system as open",
    Some(2)
)]
#[case(
    "ERROR: FEATURE(conncontrol, nodelay) requires FEATURE(delay_checks)",
    Some(3)
)]
#[case("ERROR: FEATURE() should be before MAILER()", Some(5))]
#[case(
    "ERROR: You have not specified a valid operating system type.",
    Some(1)
)]
#[case("ERROR: something else", None)]
fn it_stands_at_the_statement_that_is_meant(#[case] words: &str, #[case] line: Option<usize>) {
    let text = "OSTYPE(unknown)dnl\nFEATURE(`promiscuous_relay')dnl\nFEATURE(`conncontrol', `nodelay')dnl\nMAILER(`smtp')dnl\nFEATURE(`redirect')dnl\n";
    let mc = Mc::parse("site.mc", text.as_bytes()).unwrap();
    let advice = advice(&[format!("*** {words}")], &mc);
    assert_eq!(advice[0].place.as_ref().map(|place| place.first), line);
}

#[test]
fn sendmails_complaint_shows_the_line_of_the_cf() {
    let mc = Mc::parse("site.mc", b"").unwrap();
    let said = of_sendmail(
        &mc,
        "one\ntwo\n",
        &output(1, "/etc/mail/sendmail.cf: line 2: unknown option\n"),
    );
    assert!(said.contains("the line of the .cf: two"), "{said}");
}

#[rstest]
#[case(
    "554 5.0.0 /etc/mail/sendmail.cf: line 2: unknown configuration line \"The log level.\"",
    &["site.mc:2  The log level.", "is neither a macro nor a comment", "write: dnl The log level."]
)]
#[case(
    "/etc/mail/sendmail.cf: line 9: unknown configuration line \"The log level.\"",
    &["site.mc:2  The log level."]
)]
#[case("/etc/mail/sendmail.cf: line 3: readoptions: unknown option name Foo", &["site.mc:4  O Foo=1"])]
fn a_line_of_the_cf_leads_to_the_mc(#[case] error: &str, #[case] words: &[&str]) {
    let text = "OSTYPE(`linux')dnl\nThe log level.\nLOCAL_CONFIG\nO Foo=1\n";
    let mc = Mc::parse("site.mc", text.as_bytes()).unwrap();
    let said = of_sendmail(&mc, "V10\nThe log level.\nO Foo=1\n", &output(1, error));
    for words in words {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[rstest]
#[case::own(
    "DAEMON_OPTIONS(`Port=587, Name=A')dnl\nDAEMON_OPTIONS(`Port=587, Name=B')dnl\n",
    "Port=587, Name=A",
    "Port=587, Name=B",
    "two of your DAEMON_OPTIONS want the same socket"
)]
#[case::without_names(
    "DAEMON_OPTIONS(`Port=587, M=a')dnl\nDAEMON_OPTIONS(`Port=587')dnl\n",
    "Port=587, M=a",
    "Port=587",
    "two of your DAEMON_OPTIONS want the same socket"
)]
#[case::sendmails(
    "DAEMON_OPTIONS(`Port=587, Name=A')dnl\n",
    "Port=587, Name=A",
    "Port=587, Name=MSA, M=E",
    "FEATURE(`no_default_msa')dnl"
)]
fn rivals_are_told_apart(
    #[case] text: &str,
    #[case] first: &str,
    #[case] second: &str,
    #[case] words: &str,
) {
    let mc = Mc::parse("site.mc", text.as_bytes()).unwrap();
    let cf = format!("O DaemonPortOptions={first}\nO DaemonPortOptions={second}\n");
    let daemons = super::super::daemon::daemons(&super::super::cf::Cf::parse(&cf)).unwrap();
    let said = of_rivals(&mc, &daemons[0], &daemons[1]);
    assert!(said.contains(words), "{said}");
    let is_own = words.starts_with("two");
    assert_eq!(said.contains("no_default_msa"), !is_own, "{said}");
    assert_eq!(said.contains("not in the .mc"), !is_own, "{said}");
}
