use rstest::rstest;

use super::*;

/// Ids, lines and remedies of what is found in a file that is otherwise in order.
fn hints(lines: &str) -> Vec<(String, usize, String)> {
    let mc = Mc::parse("site.mc", lines.as_bytes()).unwrap();
    suspicions(&mc)
        .into_iter()
        .map(|advice| (advice.id, advice.place.unwrap().first, advice.remedy))
        .collect()
}

#[rstest]
#[case::unclosed(
    "OSTYPE(`linux')dnl\ndefine(`confLOG_LEVEL´, `14´)dnl\n",
    "unclosed",
    2,
    "define(`confLOG_LEVEL', `14')dnl"
)]
#[case::both(
    "define(`confLOG_LEVEL`, `14`)dnl\n",
    "unclosed",
    1,
    "define(`confLOG_LEVEL', `14')dnl"
)]
#[case::forgotten(
    "define(`confPRIVACY_FLAGS', `goaway,noreceipts)dnl\nMAILER(`smtp')dnl\n",
    "unclosed",
    1,
    "define(`confPRIVACY_FLAGS', `goaway,noreceipts')dnl"
)]
#[case::parenthesis(
    "define(`confLOG_LEVEL', `14'dnl\nMAILER(`smtp')dnl\n",
    "unclosed",
    1,
    "define(`confLOG_LEVEL', `14')dnl"
)]
#[case::swallowed(
    "define(`confLOG_LEVEL', `14)dnl\nMAILER(smtp)dnl\ndnl don't, (really)\n)dnl\n",
    "quote-too-long",
    1,
    ""
)]
#[case::single(
    "define('confLOG_LEVEL', '14')dnl\n",
    "wrong-quotes",
    1,
    "define(`confLOG_LEVEL', `14')dnl"
)]
#[case::double(
    "define(`confLOG_LEVEL', \"14\")dnl\n",
    "wrong-quotes",
    1,
    "define(`confLOG_LEVEL', `14')dnl"
)]
#[case::feature(
    "FEATURE('access_db')dnl\n",
    "wrong-quotes",
    1,
    "FEATURE(`access_db')dnl"
)]
#[case::listener(
    "DAEMON_OPTIONS('Port=587, Name=MSA')dnl\n",
    "wrong-quotes",
    1,
    "DAEMON_OPTIONS(`Port=587, Name=MSA')dnl"
)]
#[case::commas(
    "DAEMON_OPTIONS(Port=587, Name=MSA)dnl\n",
    "arguments-lost",
    1,
    "DAEMON_OPTIONS(`Port=587, Name=MSA')dnl"
)]
#[case::bare(
    "define(confLOG_LEVEL, 14)dnl\n",
    "unquoted-name",
    1,
    "define(`confLOG_LEVEL', `14')dnl"
)]
#[case::no_dnl(
    "define(`confLOG_LEVEL', `14') more words\n",
    "text-in-cf",
    1,
    "define(`confLOG_LEVEL', `14')dnl more words"
)]
#[case::misspelt_dnl(
    "define(`confLOG_LEVEL', `14')ndl\n",
    "text-in-cf",
    1,
    "define(`confLOG_LEVEL', `14')dnl"
)]
#[case::prose("The log level.\n", "text-in-cf", 1, "dnl The log level.")]
#[case::misspelt_macro(
    "FEATRUE(`access_db')dnl\n",
    "unknown-macro",
    1,
    "FEATURE(`access_db')dnl"
)]
#[case::misspelt_option(
    "define(`confAUTH_MECHANISM', `PLAIN')dnl\n",
    "unknown-option",
    1,
    "define(`confAUTH_MECHANISMS', `PLAIN')dnl"
)]
#[case::misspelt_feature(
    "FEATURE(`no_defualt_msa')dnl\n",
    "unknown-feature",
    1,
    "FEATURE(`no_default_msa')dnl"
)]
#[case::dnsbl(
    "FEATURE(`dnsbl')dnl\n",
    "deprecated",
    1,
    "FEATURE(`dnsbl', `zen.spamhaus.org')dnl"
)]
#[case::obsolete(
    "define(`confDAEMON_OPTIONS', `Port=smtp')dnl\n",
    "deprecated",
    1,
    "DAEMON_OPTIONS(`Name=MTA, Port=smtp')dnl"
)]
#[case::too_early(
    "OSTYPE(`linux')dnl\ninclude(`../m4/cf.m4')dnl\n",
    "before-cf-m4",
    1,
    "include(`../m4/cf.m4')dnl\nOSTYPE(`linux')dnl"
)]
#[case::feature_late(
    "MAILER(`smtp')dnl\nFEATURE(`access_db')dnl\n",
    "feature-after-mailer",
    2,
    "FEATURE(`access_db')dnl\nMAILER(`smtp')dnl"
)]
#[case::mailer_late(
    "MAILER(`smtp')dnl\ndefine(`RELAY_MAILER_ARGS', `TCP $h 26')dnl\n",
    "mailer-option-late",
    2,
    "define(`RELAY_MAILER_ARGS', `TCP $h 26')dnl\nMAILER(`smtp')dnl"
)]
#[case::option_late(
    "MAILER(`smtp')dnl\ndefine(`confLOG_LEVEL', `14')dnl\n",
    "option-after-mailer",
    2,
    "define(`confLOG_LEVEL', `14')dnl\nMAILER(`smtp')dnl"
)]
#[case::order(
    "FEATURE(`ratecontrol')dnl\nFEATURE(`access_db')dnl\n",
    "feature-order",
    1,
    "FEATURE(`access_db')dnl\nFEATURE(`ratecontrol')dnl"
)]
#[case::needed(
    "FEATURE(`blocklist_recipients')dnl\n",
    "feature-order",
    1,
    "FEATURE(`access_db')dnl\nFEATURE(`blocklist_recipients')dnl"
)]
#[case::ostype(
    "define(`confTIME_ZONE', `x')dnl\nOSTYPE(`aix5')dnl\n",
    "before-ostype",
    1,
    "OSTYPE(`aix5')dnl\ndefine(`confTIME_ZONE', `x')dnl"
)]
#[case::key(
    "DAEMON_OPTIONS(`Prot=587, Nmae=MSA')dnl\n",
    "listener-key",
    1,
    "DAEMON_OPTIONS(`Port=587, Name=MSA')dnl"
)]
#[case::case_of_key(
    "DAEMON_OPTIONS(`Children=4')dnl\n",
    "listener-key",
    1,
    "DAEMON_OPTIONS(`children=4')dnl"
)]
#[case::no_key(
    "DAEMON_OPTIONS(`Port=587, Interface=eth0')dnl\n",
    "listener-key",
    1,
    ""
)]
#[case::modifier(
    "DAEMON_OPTIONS(`Name=e, M=ea')dnl\n",
    "listener-modifier",
    1,
    "DAEMON_OPTIONS(`Name=e, M=Ea')dnl"
)]
#[case::no_modifier("DAEMON_OPTIONS(`Port=587, M=Ez')dnl\n", "listener-modifier", 1, "")]
#[case::not_offered(
    "define(`confAUTH_MECHANISMS', `PLAIN')dnl\nTRUST_AUTH_MECH(`PLAIN LOGIN')dnl\n",
    "mechanism-not-offered",
    2,
    "TRUST_AUTH_MECH(`PLAIN')dnl"
)]
#[case::not_trusted(
    "define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl\nTRUST_AUTH_MECH(`PLAIN')dnl\n",
    "mechanism-not-trusted",
    1,
    "TRUST_AUTH_MECH(`LOGIN PLAIN')dnl"
)]
fn a_slip_is_found_where_it_is(
    #[case] lines: &str,
    #[case] id: &str,
    #[case] line: usize,
    #[case] remedy: &str,
) {
    assert_eq!(hints(lines), [(id.to_owned(), line, remedy.to_owned())]);
}

#[rstest]
#[case::origin(include_str!("../../../../../fixtures/sendmail/origin.mc"))]
#[case::red_hat(
    "divert(-1)dnl\ndnl # It's ours\ninclude(`/usr/share/sendmail-cf/m4/cf.m4')dnl\n\
    VERSIONID(`setup for linux')dnl\nOSTYPE(`linux')dnl\ndefine(`confDEF_USER_ID', ``8:12'')dnl\n\
    FEATURE(`no_default_msa', `dnl')dnl\nFEATURE(redirect)dnl\nFEATURE(local_procmail, `', `procmail -t -Y -a $h -d $u')dnl\n\
    FEATURE(`access_db', `hash -T<TMPF> -o /etc/mail/access.db')dnl\nFEATURE(`blocklist_recipients')dnl\n\
    DAEMON_OPTIONS(`Port=smtp,Addr=127.0.0.1, Name=MTA')dnl\nMAILER(smtp)dnl\nMAILER(procmail)dnl\nCwlocalhost.localdomain\n"
)]
#[case::spelling(
    "DAEMON_OPTIONS(`port=587, address=::1, Modifiers=E a, family=inet6, name=x')dnl\n"
)]
#[case::twice_quoted("DAEMON_OPTIONS(``Port=587, Name=MSA'')dnl\n")]
#[case::elsewhere("DOMAIN(`ours')dnl\nFEATURE(`blocklist_recipients')dnl\n")]
#[case::own_macro("define(`OURS', `define(`confLOG_LEVEL', `$1')')dnl\nOURS(`14')dnl\n")]
#[case::own_option("define(`confOURS', `x')dnl\nifdef(`confOURS', `FEATURE(`access_db')')dnl\n")]
#[case::cf_lines("Dmexample.org\nCwexample.org example.net\nDj$w.example.org\n")]
#[case::reply(
    "FEATURE(`dnsbl', `bl.example', `\"550 no\"')dnl\ndefine(`confREJECT_MSG', `550 no')dnl\n"
)]
#[case::flags(
    "DAEMON_OPTIONS(`Port=587, M=Z')dnl\nLOCAL_RULESETS\nSlocal\nR$*\t$: $&{daemon_flags}\n"
)]
#[case::rules("MAILER(`smtp')dnl\nLOCAL_RULESETS\nSLocal_check_rcpt\nR$*\t\t$@ ok\n")]
fn what_is_in_order_is_left_alone(#[case] lines: &str) {
    assert_eq!(hints(lines), []);
}

#[test]
fn no_file_takes_long() {
    for line in [
        "FEATURE(`ratecontrol', `nodelay')\n",
        "define(`confLOGLEVEL', `x')\n",
        "(`",
        "x ",
    ] {
        let text = line.repeat(1024 * 1024 / line.len());
        let mc = Mc::parse("site.mc", text.as_bytes()).unwrap();
        assert!(suspicions(&mc).len() <= RULES.len() * AT_MOST);
    }
}
