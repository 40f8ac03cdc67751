use super::*;
use crate::command::{self, Command};
use crate::policy::{FixUps, Refusals};
use crate::spool::new_id;
use crate::wire::TlsFacts;
use jiff::{Timestamp, fmt::rfc2822};
use proptest::prelude::*;
use rstest::rstest;

const HOST: &str = "msa.example.org";
const ID: &str = "id 0199f0000000-0123456789abcdef";

fn facts<'a>() -> Facts<'a> {
    Facts {
        id: &ID[3..],
        hostname: HOST,
        client: "client.example",
        peer: "192.0.2.7:4711".parse().unwrap(),
        esmtp: true,
        authenticated: true,
        tls: None,
        only_recipient: None,
        arrival: "2026-11-24T10:00:00Z".parse().unwrap(),
        fix: FixUps::default(),
        refuse: Refusals::NONE,
        completion: None,
        sender: "",
        login: None,
        rewriting: None,
    }
}

#[rstest]
#[case("client.example", "from client.example ([192.0.2.7])")]
#[case("localhost", "from localhost ([192.0.2.7])")]
#[case("[010.0.0.1]", "from [010.0.0.1] ([192.0.2.7])")]
#[case("my_pc", "from [192.0.2.7] ([192.0.2.7]) (HELO my_pc)")]
fn a_name_that_is_no_domain_stands_in_a_comment(#[case] client: &str, #[case] from: &str) {
    let facts = Facts { client, ..facts() };
    let rest = "Tue, 24 Nov 2026 10:00:00 +0000\r\n";
    let by = format!("by {HOST} with ESMTPA {ID};");
    assert_eq!(
        received(&facts),
        format!("Received: {from}\r\n\t{by}\r\n\t{rest}")
    );
}

#[rstest]
#[case("bob@b.example", true)]
#[case("\"bob; (x)\"@b.example", true)]
#[case("postmaster", false)]
#[case("bob@my_pc.example", false)]
fn what_is_no_path_is_left_out(#[case] recipient: &str, #[case] named: bool) {
    let facts = Facts {
        only_recipient: Some(recipient),
        ..facts()
    };
    let field = received(&facts);
    assert_eq!(field.contains(&format!("\r\n\tfor <{recipient}>;")), named);
    assert_eq!(field.contains(recipient), named);
}

/// Labels as long as they may be, 255 octets together.
fn longest(first: &str) -> String {
    let labels = format!("{}.", "d".repeat(63)).repeat(4);
    format!("{first}{}", &labels[first.len()..255])
}

#[test]
fn long_names_have_lines_of_their_own() {
    let tls = TlsFacts {
        version: "TLS1.2",
        cipher: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256".to_owned(),
    };
    let recipient = format!("{}@{}", "l".repeat(64), longest(""));
    let (client, hostname) = (longest("client"), longest("msa"));
    let facts = Facts {
        client: &client,
        hostname: &hostname,
        tls: Some(&tls),
        only_recipient: Some(&recipient),
        peer: "[2001:db8:1111:2222:3333:4444:5555:6666]:1"
            .parse()
            .unwrap(),
        ..facts()
    };
    let field = received(&facts);
    assert_eq!(is_received(&field), Ok(()));
    let long = field.split("\r\n").filter(|line| line.len() > LINE);
    let starts: Vec<_> = long.map(|line| &line[..5]).collect();
    assert_eq!(starts, ["Recei", "\tby m", "\tfor "]);
}

proptest! {
    #[test]
    fn it_follows_the_grammar(
        client in "[a-z0-9_.\\[\\]:-]{1,12}|([a-z][a-z0-9_]{0,62}\\.){0,3}[a-z]{1,63}|\\[0{0,2}10\\.0\\.0\\.1\\]|\\[IPv6:::1\\]",
        host in "([a-z]{1,63}\\.){0,3}[a-z]{1,62}",
        local in "[a-z]{1,64}|\"([ -!#-\\[\\]-~]|\\\\[ -~]){0,31}\"",
        domain in "([a-z0-9]{1,63}\\.){1,3}[a-z]{1,62}|\\[192\\.0\\.2\\.1\\]|a_b\\.example",
        peer in any::<std::net::SocketAddr>(),
        tls in prop::option::of(prop::sample::select(vec!["TLS_AES_128_GCM_SHA256", "unknown"])),
        (esmtp, authenticated, alone) in any::<(bool, bool, bool)>(),
        second in 0_i64..4_000_000_000,
    ) {
        let line = format!("EHLO {client}");
        let Ok(Command::Ehlo { client }) = command::parse(line.as_bytes()) else {
            return Ok(());
        };
        let arrival = Timestamp::from_second(second).unwrap();
        let id = new_id(arrival).unwrap();
        let tls = tls.map(|cipher| TlsFacts { version: "TLS1.3", cipher: cipher.to_owned() });
        let recipient = format!("{local}@{domain}");
        let field = received(&Facts {
            id: &id,
            hostname: &host,
            client: &client,
            peer,
            esmtp,
            authenticated,
            tls: tls.as_ref(),
            only_recipient: alone.then_some(&recipient),
            arrival,
            ..facts()
        });
        prop_assert_eq!(is_received(&field), Ok(()), "{}", field);
        prop_assert!(field.contains(&client) && field.contains(&id));
    }
}

/// What in a field is not by the grammar of a time stamp line.
fn is_received(field: &str) -> Result<(), String> {
    let fault = |what: &str| Err(format!("{what}: {field}"));
    let lines: Vec<_> = field.split_terminator("\r\n").collect();
    if !field.ends_with("\r\n")
        || lines
            .iter()
            .any(|line| line.len() > 998 || line.trim() == "")
    {
        return fault("lines");
    }
    let whole = lines.join("");
    if whole.contains(['\r', '\n']) || !lines[1..].iter().all(|line| line.starts_with('\t')) {
        return fault("folding");
    }
    let Some((stamp, date)) = whole.rsplit_once("; ").or(whole.rsplit_once(";\t")) else {
        return fault("semicolon");
    };
    if rfc2822::parse(date).is_err() || !date.ends_with(" +0000") {
        return fault("date");
    }
    let Some(stamp) = stamp.strip_prefix("Received:") else {
        return fault("name");
    };
    let mut words = words(stamp).into_iter().peekable();
    for clause in ["from", "by", "with", "id", "for", "tls"] {
        if words.next_if_eq(&clause).is_none() {
            match clause {
                "from" | "by" => return fault(clause),
                _ => continue,
            }
        }
        let value = words.next().unwrap_or_default();
        let is_literal = address_literal(value.as_bytes()).is_some();
        let inner =
            |word: &&str| address_literal(word.trim_matches(['(', ')']).as_bytes()).is_some();
        let right = match clause {
            // Whence it came has to stand behind a literal, and is of use behind a name.
            "from" => (is_literal || is_host(value)) && words.next_if(inner).is_some(),
            "by" => is_host(value),
            "for" => value.strip_prefix('<').is_some_and(|path| {
                let (local_part, domain) = path.rsplit_once('@').unwrap_or_default();
                let domain = domain.strip_suffix('>').unwrap_or_default();
                let is_literal = address_literal(domain.as_bytes()).is_some();
                !local_part.is_empty() && (is_literal || is_host(domain))
            }),
            _ => !value.is_empty() && value.bytes().all(command::is_atext),
        };
        if !right {
            return fault(clause);
        }
        while words.next_if(|word| is_comment(word)).is_some() {}
    }
    match words.next() {
        None => Ok(()),
        Some(word) => fault(word),
    }
}

/// Words, comments and paths; blanks inside a comment or a quoted string part nothing.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut start) = (Vec::new(), None);
    let (mut quoted, mut comment, mut escaped) = (false, false, false);
    for (place, character) in text.char_indices() {
        let inside = quoted || comment;
        if escaped {
            escaped = false;
            continue;
        }
        match character {
            ' ' | '\t' if !inside => {
                words.extend(start.take().map(|start: usize| &text[start..place]));
                continue;
            }
            '"' if !comment => quoted = !quoted,
            '(' if !inside => comment = true,
            ')' if comment => comment = false,
            '\\' => escaped = true,
            _ => {}
        }
        start.get_or_insert(place);
    }
    words.extend(start.map(|start| &text[start..]));
    words
}

fn is_comment(word: &str) -> bool {
    let inner = word
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    inner.is_some_and(|inner| !inner.contains(['(', ')', '\\']))
}

fn is_host(text: &str) -> bool {
    text.split('.').all(|label| {
        let inside = label
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    })
}
