//! CRAM-MD5.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Proves, Severity},
    lie::{At::Response, Lie},
    mechanism::{Mechanism, cram_md5},
    transcript::is_host,
};

/// How many challenges are looked at.
const SAMPLES: u32 = 12;
/// `<constant.1700000000@submission.example>` in base64.
const SAME_CHALLENGE: &str = "334 PGNvbnN0YW50LjE3MDAwMDAwMDBAc3VibWlzc2lvbi5leGFtcGxlPg==";
/// `no brackets 1700000000` in base64.
const NO_BRACKETS: &str = "334 bm8gYnJhY2tldHMgMTcwMDAwMDAwMA==";

/// RFC 2195.
pub const CHAPTER: Chapter = Chapter {
    name: "cram-md5",
    cases: &[
        Case {
            id: "rfc2195-2-challenge-format",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "The challenge is a msg-id of digits, a timestamp and the server's host name, in angle brackets.",
            script: |s| {
                s.mechanism_offered(Mechanism::CramMd5)?;
                let (answer, challenge) = s.challenge(Mechanism::CramMd5)?;
                match is_msg_id(&challenge) {
                    true => Ok(()),
                    false => {
                        let decoded = msaspec_harness::line::visible(&challenge);
                        Err(answer.deviates_because("<digits.timestamp@host>", decoded))
                    }
                }
            },
            mutant: Mutant::reply("AUTH", 1, NO_BRACKETS),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc2195-2-challenge-fresh",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "Every exchange gets a challenge of its own that nobody can foresee.",
            connections: SAMPLES,
            messages: 0,
            script: |s| {
                let mut seen: Vec<Vec<u8>> = Vec::new();
                let mut last = None;
                // One a connection: servers count exchanges that are given up.
                for _ in 0..SAMPLES {
                    s.mechanism_offered(Mechanism::CramMd5)?;
                    let (answer, challenge) = s.challenge(Mechanism::CramMd5)?;
                    if seen.contains(&challenge) {
                        return Err(answer
                            .deviates_because("a challenge that was not used before", "it was"));
                    }
                    seen.push(challenge);
                    last = Some(answer);
                }
                match last.filter(|_| is_foreseeable(&seen)) {
                    None => Ok(()),
                    Some(answer) => Err(answer
                        .deviates_because("challenges that nobody can foresee", "they only count")),
                }
            },
            mutant: Mutant::reply("AUTH", 1, SAME_CHALLENGE),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc2195-2-success",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "The user's name and the keyed MD5 of the challenge in lower-case hexadecimal log in.",
            on: On::Submission,
            proves: Proves::Mechanism("CRAM-MD5"),
            script: |s| {
                s.mechanism_offered(Mechanism::CramMd5)?;
                let alice = s.credentials()?;
                s.authenticate(Mechanism::CramMd5, &alice)?.expect(235)
            },
            mutant: Mutant::Lie(Lie::Reply(Response(1), "535 5.7.8 Wrong")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc2195-2-bad-response-rejected",
            level: Level::MustNot,
            severity: Severity::Security,
            requirement: "Nothing but the whole and right digest logs in: not a part of it, not more, not none.",
            failed_logins: 7,
            script: |s| {
                for (bad, shown) in BAD_RESPONSES {
                    s.mechanism_offered(Mechanism::CramMd5)?;
                    let alice = s.credentials()?;
                    let (_, challenge) = s.challenge(Mechanism::CramMd5)?;
                    let digest = cram_md5::digest(&alice.password, &challenge);
                    s.respond(bad(&alice.user, &digest, &challenge), shown)?
                        .expect_login_refused()?;
                    s.command("NOOP")?.expect(250)?;
                }
                Ok(())
            },
            mutant: Mutant::Lie(Lie::Reply(Response(1), "235 2.7.0 Authenticated")),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};

/// How a response is spoilt: from the user's name, the right digest and the challenge.
type Spoil = fn(&str, &str, &[u8]) -> String;

const BAD_RESPONSES: &[(Spoil, &str)] = &[
    (
        |user, digest, _| format!("{user} {}", one_digit_changed(digest)),
        "one digit changed",
    ),
    (
        |user, digest, _| format!("{user} {}", &digest[..16]),
        "half of the digest",
    ),
    (|user, _, _| format!("{user} "), "no digest"),
    (|user, _, _| user.to_owned(), "no blank"),
    (
        |user, digest, _| format!("{user} {digest}00"),
        "two digits more",
    ),
    (
        |user, _, challenge| format!("{user} {}", cram_md5::digest("", challenge)),
        "an empty secret",
    ),
    (|_, _, _| String::new(), "nothing"),
];

fn one_digit_changed(digest: &str) -> String {
    let last = if digest.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &digest[..digest.len() - 1])
}

/// `<`, digits among printable characters, `@`, a host, `>`.
fn is_msg_id(challenge: &[u8]) -> bool {
    let text = std::str::from_utf8(challenge).unwrap_or_default();
    let inside = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    let Some((left, host)) = inside.and_then(|inside| inside.rsplit_once('@')) else {
        return false;
    };
    let printable = |octet: u8| octet.is_ascii_graphic() && !b"<>@".contains(&octet);
    !left.is_empty()
        && left.bytes().all(printable)
        && left.bytes().any(|octet| octet.is_ascii_digit())
        && is_host(host)
}

/// Whether every part of the challenges only stays or grows, as time and counters do.
fn is_foreseeable(challenges: &[Vec<u8>]) -> bool {
    let parts = |challenge: &Vec<u8>| -> Vec<String> {
        let text = String::from_utf8_lossy(challenge).to_ascii_lowercase();
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .map(str::to_owned)
            .collect()
    };
    let rows: Vec<Vec<String>> = challenges.iter().map(parts).collect();
    let columns = rows.iter().map(Vec::len).min().unwrap_or(0);
    // Numbers of any base grow as their texts do: by length, then by digits.
    let value = |row: usize, column: usize| (rows[row][column].len(), rows[row][column].as_str());
    (0..columns)
        .all(|column| (1..rows.len()).all(|row| value(row - 1, column) <= value(row, column)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        assert!(is_msg_id(b"<1896.697170952@postoffice.example>"));
        for bad in [
            "1896.697170952@postoffice.example",
            "<1896 697@x.example>",
            "<abc@x.example>",
            "<1@>",
            "<1@x_y>",
        ] {
            assert!(!is_msg_id(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn counting_is_foreseen() {
        let count = |number: u64| {
            format!("<{}.{}@a.example>", 17 + number, 1_700_000_000 + number).into_bytes()
        };
        assert!(is_foreseeable(&(0..20).map(count).collect::<Vec<_>>()));
        let clock = |number: u64| {
            format!("<1.{:x}@a.example>", 0x5f00_0000_0000_u64 + number * 70_001).into_bytes()
        };
        assert!(is_foreseeable(&(0..20).map(clock).collect::<Vec<_>>()));
        let random = |number: u64| {
            format!(
                "<{}.1700000000@a.example>",
                number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            )
            .into_bytes()
        };
        assert!(!is_foreseeable(&(0..20).map(random).collect::<Vec<_>>()));
    }

    #[test]
    fn no_spoilt_response_is_right() {
        let challenge = b"<1@a.example>";
        let right = String::from_utf8(cram_md5::response("alice", "pw", challenge)).unwrap();
        let digest = cram_md5::digest("pw", challenge);
        for (spoil, name) in BAD_RESPONSES {
            assert_ne!(spoil("alice", &digest, challenge), right, "{name}");
        }
    }
}
