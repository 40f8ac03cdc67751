//! What comes back for a ClientHello (RFC 5246 section 6.2.1).

use std::fmt;
use std::io::{self, ErrorKind, Read};

use super::{ALERT, HANDSHAKE, SERVER_HELLO, version_name};

/// What a server did with a ClientHello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It sent an alert (RFC 5246 section 7.2).
    Alert {
        /// 1 for a warning, 2 for a fatal one.
        level: u8,
        /// The reason by its number.
        description: u8,
    },
    /// It agreed to a version.
    ServerHello {
        /// Major and minor number, (3, 1) for TLS 1.0.
        version: (u8, u8),
    },
    /// It ended the connection without a word.
    Closed,
    /// It sent something else, which begins with these octets.
    Other(Vec<u8>),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Alert { level, description } => {
                let warning = if *level == WARNING { "warning " } else { "" };
                let name = alert_name(*description);
                write!(f, "{warning}alert {name}({description})")
            }
            Answer::ServerHello { version } => {
                write!(f, "ServerHello, {}", version_name(*version))
            }
            Answer::Closed => write!(f, "connection closed"),
            Answer::Other(octets) => write!(
                f,
                "neither alert nor ServerHello: \"{}\"",
                octets.escape_ascii()
            ),
        }
    }
}

/// Reads until the server has agreed, refused or left. A warning is the answer only if nothing
/// follows it. Memory is bounded here, time by the reader's own timeout, which is an error.
pub fn read_answer(mut from: impl Read) -> io::Result<Answer> {
    let mut warning = None;
    let mut handshake = Vec::new();
    for _ in 0..MOST_RECORDS {
        let record = match read_record(&mut from)? {
            Record::Closed if !handshake.is_empty() => return Ok(other(&handshake)),
            Record::Closed => return Ok(warning.unwrap_or(Answer::Closed)),
            Record::Broken(octets) => return Ok(other(&octets)),
            Record::Whole(record) => record,
        };
        match (record[0], &record[HEADER..]) {
            (ALERT, &[level, description]) => {
                let alert = Answer::Alert { level, description };
                if level != WARNING || description == CLOSE_NOTIFY {
                    return Ok(alert);
                }
                warning = Some(alert);
            }
            (HANDSHAKE, fragment) => {
                handshake.extend_from_slice(fragment);
                match handshake[..] {
                    [SERVER_HELLO, _, _, _, major, minor, ..] => {
                        let version = (major, minor);
                        return Ok(Answer::ServerHello { version });
                    }
                    [SERVER_HELLO, ..] | [] => {}
                    _ => return Ok(other(&record)),
                }
            }
            _ => return Ok(other(&record)),
        }
    }
    Ok(warning.unwrap_or_else(|| other(&handshake)))
}

enum Record {
    Whole(Vec<u8>),
    /// No record at all, or one that ends too early.
    Broken(Vec<u8>),
    Closed,
}

/// One record of RFC 5246 section 6.2.1, header included.
fn read_record(from: &mut impl Read) -> io::Result<Record> {
    let mut octets = Vec::with_capacity(HEADER);
    read_up_to(from, HEADER, &mut octets)?;
    let length = match octets[..] {
        [] => return Ok(Record::Closed),
        [ALERT | HANDSHAKE, 3, _, high, low] => usize::from(u16::from_be_bytes([high, low])),
        _ => return Ok(Record::Broken(octets)),
    };
    if length > MOST_OCTETS {
        return Ok(Record::Broken(octets));
    }
    read_up_to(from, HEADER + length, &mut octets)?;
    match octets.len() == HEADER + length {
        true => Ok(Record::Whole(octets)),
        false => Ok(Record::Broken(octets)),
    }
}

/// Reads until `octets` has the wanted length or the connection ends, be it by a reset.
fn read_up_to(from: &mut impl Read, length: usize, octets: &mut Vec<u8>) -> io::Result<()> {
    let wanted = length.saturating_sub(octets.len()) as u64;
    match from.take(wanted).read_to_end(octets) {
        Err(error) if !is_reset(error.kind()) => Err(error),
        _ => Ok(()),
    }
}

fn is_reset(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    )
}

fn other(octets: &[u8]) -> Answer {
    Answer::Other(octets[..octets.len().min(MOST_SHOWN)].to_vec())
}

/// RFC 5246 section 7.2, RFC 7507, RFC 6066, RFC 7301.
fn alert_name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        47 => "illegal_parameter",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        109 => "missing_extension",
        112 => "unrecognized_name",
        120 => "no_application_protocol",
        _ => "unknown",
    }
}

const WARNING: u8 = 1;
const CLOSE_NOTIFY: u8 = 0;
const HEADER: usize = 5;
const MOST_OCTETS: usize = 1 << 14;
const MOST_RECORDS: usize = 4;
const MOST_SHOWN: usize = 64;

#[cfg(test)]
mod tests {
    use std::io::repeat;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(b"\x15\x03\x01\0\x02\x02\x46", "alert protocol_version(70)")]
    #[case(b"\x15\x03\x01\0\x02\x01\x70", "warning alert unrecognized_name(112)")]
    #[case(
        b"\x15\x03\x01\0\x02\x01\x70\x15\x03\x01\0\x02\x02\x28",
        "alert handshake_failure(40)"
    )]
    #[case(
        b"\x16\x03\x01\0\x03\x02\0\0\x16\x03\x01\0\x03\x46\x03\x02",
        "ServerHello, TLS 1.1"
    )]
    #[case(b"", "connection closed")]
    #[case(b"\x15\x03\x01", r#"neither alert nor ServerHello: "\x15\x03\x01""#)]
    #[case(
        b"\x15\x03\x01\0\x02\x02",
        r#"neither alert nor ServerHello: "\x15\x03\x01\x00\x02\x02""#
    )]
    #[case(b"\x16\x03\x01\0\x01\x02", r#"neither alert nor ServerHello: "\x02""#)]
    #[case(
        b"\x16\x03\x01\0\x01\x0b",
        r#"neither alert nor ServerHello: "\x16\x03\x01\x00\x01\x0b""#
    )]
    #[case(
        b"\x16\x03\x01\xff\xff\x02",
        r#"neither alert nor ServerHello: "\x16\x03\x01\xff\xff""#
    )]
    #[case(b"554 5.7.0 no\r\n", r#"neither alert nor ServerHello: "554 5""#)]
    fn answers(#[case] octets: &[u8], #[case] shown: &str) {
        assert_eq!(read_answer(octets).unwrap().to_string(), shown);
    }

    #[test]
    fn what_never_ends_is_left() {
        assert!(matches!(read_answer(repeat(22)).unwrap(), Answer::Other(_)));
        for record in [&b"\x15\x03\x01\0\x02\x01\x70"[..], b"\x16\x03\x01\0\0"] {
            let endless = record.repeat(1000);
            let mut rest = endless.as_slice();
            read_answer(&mut rest).unwrap();
            assert_eq!(rest.len(), endless.len() - MOST_RECORDS * record.len());
        }
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read_answer(octets.as_slice()).unwrap().to_string();
        }
    }
}
