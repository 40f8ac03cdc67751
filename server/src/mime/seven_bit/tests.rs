//! What conversion makes of messages, and what it leaves alone.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rstest::rstest;

use super::super::encoding::are_lines;
use super::super::encoding::tests::unquoted;
use super::{DEPTH, Unfit, to_seven_bit};

/// The header of a message without its last fields.
const MIME: &str = "DKIM-Signature: v=1; bh=x\r\nMIME-Version: 1.0\r\n";

fn converted(fields: &str, body: &[u8]) -> Result<String, Unfit> {
    let content = [MIME.as_bytes(), fields.as_bytes(), b"\r\n", body].concat();
    let converted = to_seven_bit(&content)?;
    assert!(converted.is_ascii() && are_lines(&converted) && converted.ends_with(b"\r\n"));
    let text = String::from_utf8(converted).unwrap();
    Ok(text.strip_prefix(MIME).unwrap().to_owned())
}

#[rstest]
#[case::no_encoding_named(
    "Content-Type: text/plain; charset=utf-8\r\nX: y\r\n",
    "\u{e9} = \r\n.\r\n".as_bytes(),
    "Content-Type: text/plain; charset=utf-8\r\nX: y\r\n\
     Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9 =3D=20\r\n.\r\n"
)]
#[case::no_type_named(
    "",
    b"\xe9\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n"
)]
#[case::in_its_place(
    "content-transfer-encoding:\r\n 8bit (so)\r\nX: y\r\n",
    b"\xe9",
    "Content-Transfer-Encoding: quoted-printable\r\nX: y\r\n\r\n=E9\r\n"
)]
#[case::not_text(
    "Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n",
    b"\xff\xfe\r\n",
    "Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n//4NCg==\r\n"
)]
#[case::message_in_utf8(
    "Content-Type: message/global\r\n",
    b"A: \xc3\xa9\r\n",
    "Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\nQTogw6kNCg==\r\n"
)]
#[case::a_label_alone(
    "Content-Transfer-Encoding: 8bit\r\n",
    b"e = \r\n",
    "Content-Transfer-Encoding: 7bit\r\n\r\ne = \r\n"
)]
#[case::encoded_already(
    "Content-Transfer-Encoding: QUOTED-printable\r\n",
    b"=E9 \r\n",
    "Content-Transfer-Encoding: QUOTED-printable\r\n\r\n=E9 \r\n"
)]
#[case::parts(
    "Content-Type: multipart/mixed; boundary=\"a b\"\r\nContent-Transfer-Encoding: 8bit\r\n",
    b"before\r\n--a b\r\n\r\n\xe9\r\n--a b \t\r\nContent-Transfer-Encoding: 8bit\r\n\r\ne\r\n\
      --a b\r\nContent-Transfer-Encoding: base64\r\n\r\n6Q==\r\n--a b\r\nX: y\r\n--a b\r\n--a b--\r\nafter\r\n",
    "Content-Type: multipart/mixed; boundary=\"a b\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
     before\r\n--a b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n--a b \t\r\n\
     Content-Transfer-Encoding: 7bit\r\n\r\ne\r\n--a b\r\nContent-Transfer-Encoding: base64\r\n\r\n\
     6Q==\r\n--a b\r\nX: y\r\n--a b\r\n--a b--\r\nafter\r\n"
)]
#[case::messages_in_a_digest(
    "Content-Type: multipart/digest; boundary=b\r\n",
    b"--b\r\n\r\nMIME-Version: 1.0 (old)\r\n\r\n\xe9\r\n--b\r\nContent-Type: text/plain\r\n\r\n\xe9\r\n\
      --b\r\n\r\nSubject: not MIME\r\n\r\ne\r\n--b--\r\n",
    "Content-Type: multipart/digest; boundary=b\r\n\r\n\
     --b\r\n\r\nMIME-Version: 1.0 (old)\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n\
     --b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n\
     --b\r\n\r\nSubject: not MIME\r\n\r\ne\r\n--b--\r\n"
)]
#[case::a_message_in_a_message(
    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n",
    b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe9\r\n",
    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nMIME-Version: 1.0\r\n\
     Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n"
)]
#[case::what_is_signed_stays(
    "Content-Type: multipart/mixed; boundary=b\r\n",
    b"--b\r\n\r\n\xe9\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\
      Content-Transfer-Encoding: 8bit\r\n\r\n--c\r\nContent-Transfer-Encoding: 8bit\r\n\r\ne\r\n\
      --c--\r\n--b--\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
     Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n--b\r\n\
     Content-Type: multipart/signed; boundary=c\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--c\r\n\
     Content-Transfer-Encoding: 8bit\r\n\r\ne\r\n--c--\r\n--b--\r\n"
)]
#[case::broken_without_need(
    "Content-Type: multipart/mixed; boundary=b\r\n",
    b"--b\r\n\r\n\xe9\r\n--b\r\nContent-Type: multipart/mixed\r\nContent-Transfer-Encoding: 8bit\r\n\
      \r\ne\r\n--b\r\nno field\r\n--b--\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
     Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n--b\r\n\
     Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: 8bit\r\n\r\ne\r\n\
     --b\r\nno field\r\n--b--\r\n"
)]
fn bodies_are_encoded_and_all_else_stays(
    #[case] fields: &str,
    #[case] body: &[u8],
    #[case] expected: &str,
) {
    assert_eq!(converted(fields, body).as_deref(), Ok(expected));
}

#[rstest]
#[case("MIME-Version: 1.0\r\n", b"\xe9", Unfit::Field)]
#[case("Content-Type: text\r\n", b"\xe9", Unfit::Field)]
#[case("Content-Type: a/b\r\nContent-Type: a/b\r\n", b"\xe9", Unfit::Field)]
#[case("Content-Transfer-Encoding: 8bit 8bit\r\n", b"\xe9", Unfit::Field)]
#[case("Content-Transfer-Encoding: x-mine\r\n", b"\xe9", Unfit::Field)]
#[case("Subject: \u{e9}\r\n", b"\xe9", Unfit::EightBitHeader)]
#[case("Content-Transfer-Encoding: base64\r\n", b"\xe9", Unfit::NotEncoded)]
#[case(
    "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: a/b\r\n",
    b"\xe9",
    Unfit::NotEncoded
)]
#[case("Content-Type: message/partial; id=x\r\n", b"\xe9", Unfit::Type)]
#[case(
    "Content-Type: message/external-body\r\n",
    b"X: y\r\n\r\n\xe9",
    Unfit::Type
)]
#[case("Content-Type: message/delivery-status\r\n", b"\xe9", Unfit::Type)]
#[case(
    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n",
    b"\xe9",
    Unfit::NotEncoded
)]
#[case(
    "Content-Type: message/rfc822\r\n",
    b"A: b\r\n\r\n\xe9",
    Unfit::NotMime
)]
#[case("Content-Type: message/rfc822\r\n", b"\xe9", Unfit::Field)]
#[case(
    "Content-Type: multipart/signed; boundary=b\r\n",
    b"--b\r\n\r\n\xe9\r\n--b--",
    Unfit::Sealed
)]
#[case(
    "Content-Type: multipart/encrypted; boundary=b\r\n",
    b"--b\r\n\r\n\xe9\r\n--b--",
    Unfit::Sealed
)]
#[case(
    "Content-Type: multipart/x\r\n",
    b"--b\r\n\r\n\xe9\r\n--b--",
    Unfit::Boundary
)]
#[case(
    "Content-Type: multipart/x; boundary=b\r\n",
    b"--b\r\n\r\n\xe9\r\n",
    Unfit::Boundary
)]
#[case(
    "Content-Type: multipart/x; boundary=b\r\n",
    b"\xe9\r\n",
    Unfit::Boundary
)]
#[case::two_boundaries_in_one(
    "Content-Type: multipart/x; boundary=b\r\n",
    b"--b\r\n\r\n\xe9\r\n--bc\r\n--b--",
    Unfit::Boundary
)]
#[case(
    "Content-Type: multipart/x; boundary=b\r\n",
    b"\xe9\r\n--b\r\n\r\n--b--",
    Unfit::Outside
)]
#[case(
    "Content-Type: multipart/x; boundary=b\r\n",
    b"--b\r\n\r\n--b--\r\n\xe9",
    Unfit::Outside
)]
#[case(
    "Content-Type: multipart/x; boundary=b\r\n",
    b"--b\r\nX: \xe9\r\n\r\n--b--",
    Unfit::EightBitHeader
)]
#[case(
    "Content-Type: multipart/x; boundary=b\r\n",
    b"--b\r\nno field \xe9\r\n--b--",
    Unfit::Field
)]
fn what_cannot_be_encoded_is_named(
    #[case] fields: &str,
    #[case] body: &[u8],
    #[case] expected: Unfit,
) {
    assert_eq!(converted(fields, body), Err(expected));
}

#[rstest]
#[case(b"Content-Type: text/plain\r\n\r\n\xe9\r\n", Unfit::NotMime)]
#[case(b"MIME-Version: 2.0\r\n\r\n\xe9\r\n", Unfit::NotMime)]
#[case(b"MIME-Version: 1.0\r\nno field\r\n\r\n\xe9\r\n", Unfit::Field)]
#[case(b"", Unfit::NotMime)]
fn what_is_not_mime_is_not_made_it(#[case] content: &[u8], #[case] expected: Unfit) {
    assert_eq!(to_seven_bit(content), Err(expected));
}

#[test]
fn depth_has_a_bound() {
    let nested = |depth| {
        let level = format!("{MIME}Content-Type: message/rfc822\r\n\r\n");
        let leaf = format!("{MIME}\r\n\u{e9}\r\n");
        (level.repeat(depth) + &leaf).into_bytes()
    };
    assert!(to_seven_bit(&nested(DEPTH)).is_ok());
    assert_eq!(to_seven_bit(&nested(DEPTH + 1)), Err(Unfit::Depth));
}

#[test]
fn many_parts_take_no_longer_than_one() {
    let mut content = format!("{MIME}Content-Type: multipart/x; boundary=b\r\n\r\n").into_bytes();
    content.extend_from_slice(&b"--b\r\n\r\n\xe9\r\n".repeat(300_000));
    content.extend_from_slice(b"--b--\r\n");
    let start = std::time::Instant::now();
    assert!(to_seven_bit(&content).is_ok());
    assert!(start.elapsed() < std::time::Duration::from_secs(30));
}

/// An entity as a test builds it.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(&'static str, Option<&'static str>, Vec<u8>),
    Message(Box<Tree>),
    Multipart(Vec<Tree>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let octet = prop_oneof![
        Just(b' '),
        Just(b'='),
        Just(b'-'),
        Just(b'.'),
        Just(0xe9),
        any::<u8>()
    ];
    let line = prop::collection::vec(octet, 0..100).prop_map(|mut line| {
        line.retain(|octet| !matches!(octet, 0 | b'\r' | b'\n'));
        line
    });
    let body = prop::collection::vec(line, 0..5).prop_map(|lines| lines.join(&b"\r\n"[..]));
    let media = prop_oneof![
        Just(""),
        Just("text/plain; charset=x"),
        Just("image/x"),
        Just("message/global")
    ];
    let encoding = prop_oneof![
        Just(None),
        Just(Some("8bit")),
        Just(Some("binary")),
        Just(Some("7BIT (not so)"))
    ];
    let leaf = (media, encoding, body)
        .prop_map(|(media, encoding, body)| Tree::Leaf(media, encoding, body));
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|tree| Tree::Message(Box::new(tree))),
            prop::collection::vec(inner, 1..4).prop_map(Tree::Multipart),
        ]
    })
}

/// Writes an entity; no two multiparts have one boundary, nor one that another begins with.
fn write(tree: &Tree, number: &mut usize, octets: &mut Vec<u8>) {
    let mut field = |name: &str, value: &str| {
        octets.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    };
    match tree {
        Tree::Leaf(media, encoding, body) => {
            if !media.is_empty() {
                field("Content-Type", media);
            }
            if let Some(encoding) = encoding {
                field("Content-Transfer-Encoding", encoding);
            }
            octets.extend_from_slice(b"\r\n");
            octets.extend_from_slice(body);
        }
        Tree::Message(inner) => {
            field("Content-Type", "message/rfc822");
            field("Content-Transfer-Encoding", "8bit");
            octets.extend_from_slice(b"\r\nMIME-Version: 1.0\r\n");
            write(inner, number, octets);
        }
        Tree::Multipart(parts) => {
            *number += 1;
            let boundary = format!("=_{number:05}");
            field(
                "Content-Type",
                &format!("multipart/mixed; boundary=\"{boundary}\""),
            );
            octets.extend_from_slice(b"\r\n");
            for part in parts {
                octets.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
                write(part, number, octets);
                octets.extend_from_slice(b"\r\n");
            }
            octets.extend_from_slice(format!("--{boundary}--").as_bytes());
        }
    }
}

fn leaves(tree: &Tree) -> Vec<&[u8]> {
    match tree {
        Tree::Leaf(_, _, body) => vec![body],
        Tree::Message(inner) => leaves(inner),
        Tree::Multipart(parts) => parts.iter().flat_map(leaves).collect(),
    }
}

/// What a reader finds in the leaves.
fn read(octets: &[u8], found: &mut Vec<Vec<u8>>) {
    let place = octets
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map(|place| (place + 2, place + 4));
    let (end, body) = match octets.strip_prefix(b"\r\n") {
        Some(_) => (0, 2),
        None => place.unwrap(),
    };
    let header = String::from_utf8(octets[..end].to_vec()).unwrap();
    let value = |name: &str| {
        let mut values = header
            .lines()
            .filter_map(|line| line.strip_prefix(&format!("{name}: ")));
        let value = values.next().unwrap_or_default().to_owned();
        assert_eq!(values.next(), None, "{header}");
        value
    };
    let (kind, encoding) = (value("Content-Type"), value("Content-Transfer-Encoding"));
    let body = &octets[body..];
    if let Some((_, boundary)) = kind.split_once("boundary=") {
        assert!(matches!(encoding.as_str(), "" | "7bit"), "{encoding}");
        let text = std::str::from_utf8(body).unwrap();
        let delimiter = format!("\r\n--{}", boundary.trim_matches('"'));
        let whole = format!("\r\n{text}");
        let mut parts: Vec<_> = whole.split(&delimiter).collect();
        assert_eq!(
            (parts.remove(0), parts.pop().unwrap().trim_end()),
            ("", "--")
        );
        for part in parts {
            read(part.strip_prefix("\r\n").unwrap().as_bytes(), found);
        }
    } else if kind == "message/rfc822" {
        assert!(matches!(encoding.as_str(), "" | "7bit"), "{encoding}");
        read(body, found);
    } else {
        found.push(match encoding.as_str() {
            "quoted-printable" => unquoted(body),
            "base64" => {
                let digits: Vec<u8> = body.iter().copied().filter(|octet| *octet > b' ').collect();
                STANDARD.decode(digits).unwrap()
            }
            "" | "7bit" | "7BIT (not so)" => body.to_vec(),
            other => panic!("{other}"),
        });
    }
}

proptest! {
    #[test]
    fn every_leaf_can_be_read_as_before(tree in tree()) {
        let mut content = b"MIME-Version: 1.0\r\n".to_vec();
        write(&tree, &mut 0, &mut content);
        let converted = to_seven_bit(&content).unwrap();
        prop_assert!(converted.is_ascii() && are_lines(&converted));
        let mut found = Vec::new();
        read(&converted, &mut found);
        // The end of the last line may be the message's, and not the leaf's.
        let last = found.pop().unwrap();
        let mut expected = leaves(&tree);
        let end = expected.pop().unwrap();
        prop_assert_eq!(found, expected);
        prop_assert!(last == end || last == [end, b"\r\n"].concat());
        // There is nothing left to be done.
        prop_assert_eq!(to_seven_bit(&converted).unwrap(), converted);
    }

    #[test]
    fn any_content_gives_seven_bits_or_a_reason(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24),
    ) {
        let content = [MIME.as_bytes(), &pieces.concat()].concat();
        if let Ok(converted) = to_seven_bit(&content) {
            prop_assert!(converted.is_ascii());
            prop_assert!(are_lines(&converted) || !are_lines(&content));
        }
    }
}

/// What contents at random are made of.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\r",
    b"\n",
    b"--",
    b"--b",
    b"\r\n--b\r\n",
    b"\xe9",
    b"e ",
    b"MIME-Version: 1.0\r\n",
    b"Content-Type: multipart/x; boundary=b\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: image/x",
    b"Content-Transfer-Encoding: 8bit\r\n",
];
