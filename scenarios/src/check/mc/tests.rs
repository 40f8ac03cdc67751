use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn parse(text: &str) -> Mc {
    Mc::parse("site.mc", text.as_bytes()).unwrap()
}

/// Name and arguments of every statement, one a line.
fn outline(text: &str) -> Vec<String> {
    let statements = parse(text).statements.into_iter();
    statements
        .map(|s| {
            format!(
                "{}-{} {} {}",
                s.first,
                s.last,
                s.name,
                s.arguments.join("|")
            )
        })
        .collect()
}

#[rstest]
#[case("define(`x', `y')dnl\n", &["1-1 define x|y"])]
#[case("define(x,y) define(`a', `b')dnl c\n", &["1-1 define x|y", "1-1 define a|b"])]
#[case("dnl define(`x', `y')\n  OSTYPE(debian)dnl\n", &["2-2 OSTYPE debian"])]
#[case("define(`a',dnl\n`b')dnl\n", &["1-2 define a|b"])]
#[case("define(`a', ``b, c'')dnl\n", &["1-1 define a|b, c"])]
#[case("define(`a', `b (c')dnl\nundefine(`d')", &["1-1 define a|b (c", "2-2 undefine d"])]
#[case("ifdef(`a', `define(`b', `c')',\n`dnl')dnl\n", &["1-2 ifdef a|define(`b', `c')|dnl"])]
#[case("FEATURE(`access_db', , `skip')dnl\n", &["1-1 FEATURE access_db||skip"])]
#[case("divert(-1)\n# It's a DOMAIN of `ours'\nwords\ndivert(0)dnl\nDOMAIN(`x')", &["5-5 DOMAIN x"])]
#[case("divert(-1)dnl\n# `open\ninclude(`/usr/share/sendmail-cf/m4/cf.m4')dnl\nOSTYPE(`linux')\nDmfoo\n",
       &["3-3 include /usr/share/sendmail-cf/m4/cf.m4", "4-4 OSTYPE linux", "5-5  Dmfoo"])]
#[case("divert(-1)\n# needs m4/cf.m4\ndivert(0)\n  LOCAL_DOMAIN(`x')# DOMAIN(`y')\n",
    &["4-4 LOCAL_DOMAIN x", "4-4 DOMAIN y"])]
#[case("MAILER_DEFINITIONS\nMAILER(`smtp')dnl\n", &["1-1 MAILER_DEFINITIONS ", "2-2 MAILER smtp"])]
#[case("LOCAL_CONFIG\n# words\n\nCPfoo\nKregex\n\t-a x `y'\nHX: $>Z\n",
       &["1-1 LOCAL_CONFIG ", "4-4  CPfoo", "5-6  Kregex\n\t-a x `y'", "7-7  HX: $>Z"])]
#[case("LOCAL_RULESETS\nR$*\t\t$: ifdef(`a',\n`b')\nR$+\t$@ ok dnl no\n",
       &["1-1 LOCAL_RULESETS ", "2-3  R$*\t\t$: ifdef(`a',\n`b')", "4-4  R$+\t$@ ok"])]
#[case("changequote([, ])dnl\ndefine([a], [b'])dnl\n", &["2-2 define a|b'"])]
#[case("define(`confDNL_x', `1')dnl\nfoodnl(x)\n", &["1-1 define confDNL_x|1", "2-2  foodnl(x)"])]
#[case("FEATRUE(`access_db')dnl\r\nMAILER(`smtp')\r\n", &["1-1 FEATRUE access_db", "2-2 MAILER smtp"])]
fn statements_are_those_of_m4(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(outline(text), expected);
}

#[rstest]
#[case(
    "OSTYPE(`x')dnl\ndefine(`a', `b)dnl\nMAILER(`smtp')\n",
    "quote",
    2,
    "define"
)]
#[case("define(`a', `b'dnl\nMAILER(`smtp')\n", "parenthesis", 1, "define")]
#[case("dnl\n\n# `words\n", "quote", 3, "")]
fn what_is_never_closed_has_its_line(
    #[case] text: &str,
    #[case] what: &'static str,
    #[case] line: usize,
    #[case] name: &str,
) {
    let name = name.to_owned();
    assert_eq!(parse(text).unclosed, Some(Unclosed { what, line, name }));
}

#[rstest]
#[case(0, "dnl\nMAILER(`smtp')dnl\n# é\n")]
#[case(1, "define(`a',\n`b')dnl\ndnl\n# é\n")]
#[case(7, "define(`a',\n`b')dnl\nMAILER(`smtp')dnl\n# é\n")]
fn what_is_dropped_leaves_its_lines(#[case] index: usize, #[case] expected: &str) {
    let text = "define(`a',\n`b')dnl\nMAILER(`smtp')dnl\n# é\n";
    let expected = match index {
        0 => format!("\n{expected}"),
        _ => expected.to_owned(),
    };
    assert_eq!(parse(text).without(index), expected.as_bytes());
}

#[test]
fn octets_stay_as_they_are() {
    let latin = b"dnl Gr\xfc\xdfe\nOSTYPE(`linux')dnl\n";
    let mc = Mc::parse("site.mc", latin).unwrap();
    assert_eq!(mc.octets, latin);
    assert_eq!(mc.without(0), b"dnl Gr\xfc\xdfe\ndnl\n");
    assert_eq!(mc.place(1, 1).text, "dnl Gr\u{fffd}\u{fffd}e");
}

#[rstest]
#[case(2, 3, (2, 3), "b\nc")]
#[case(0, 1, (1, 1), "a")]
#[case(3, 99, (3, 3), "c")]
#[case(9, 2, (3, 3), "c")]
fn a_place_is_in_the_file(
    #[case] first: usize,
    #[case] last: usize,
    #[case] lines: (usize, usize),
    #[case] text: &str,
) {
    let place = parse("a\r\nb\nc\n").place(first, last);
    assert_eq!(
        ((place.first, place.last), place.text.as_str()),
        (lines, text)
    );
}

#[test]
fn the_last_define_counts() {
    let mc = parse("define(`a', `1')dnl\ndefine(`a', `2')dnl\nFEATURE(`b')dnl\n");
    assert_eq!(mc.define("a").unwrap().argument(1), "2");
    assert_eq!(mc.define("b"), None);
    assert_eq!(mc.find("FEATURE").count(), 1);
    assert_eq!(parse("").place(1, 1).text, "");
}

#[rstest]
#[case(&[b'a'; 1024 * 1024 + 1], "site.mc: is larger than 1 MiB")]
#[case(b"OSTYPE\0", "site.mc: is no text: octet 7 is NUL")]
#[case(
    b"\x1f\x8b\x08",
    "site.mc: is no text: octet 1 is control character 0x1f"
)]
fn what_is_no_mc_is_refused(#[case] octets: &[u8], #[case] begins: &str) {
    let error = Mc::parse("site.mc", octets).unwrap_err();
    assert!(error.starts_with(begins), "{error}");
}

proptest! {
    #[test]
    fn any_octets_are_read(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        whole(&octets);
    }

    #[test]
    fn any_statements_are_read(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        whole(pieces.concat().as_bytes());
    }
}

const PIECES: &[&str] = &[
    "define(",
    "FEATURE(",
    "DAEMON_OPTIONS(",
    "`confLOG_LEVEL'",
    "LOCAL_CONFIG",
    "divert(-1)",
    "divert(0)",
    "changequote(",
    "changecom",
    "include(`m4/cf.m4')",
    "MAILER(smtp)",
    "dnl",
    "`",
    "'",
    "(",
    ")",
    ",",
    "\n",
    "\n\t",
    " ",
    "#",
    "R$*",
    "é",
    "\"",
    "´",
    "M=",
    "Port=",
    "OSTYPE(`debian')",
    "TRUST_AUTH_MECH(",
    "x",
];

/// Nothing panics, and every statement can be dropped and shown.
fn whole(octets: &[u8]) {
    let Ok(mc) = Mc::parse("site.mc", octets) else {
        return;
    };
    let feeds = |octets: &[u8]| octets.iter().filter(|octet| **octet == b'\n').count();
    for (index, statement) in mc.statements.iter().enumerate() {
        assert!(1 <= statement.first && statement.first <= statement.last);
        assert_eq!(feeds(&mc.without(index)), feeds(octets));
        assert_eq!(
            mc.place(statement.first, statement.last).first,
            statement.first
        );
    }
    suspicions(&mc);
}
