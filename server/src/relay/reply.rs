//! The strict parser of the next hop's replies (RFC 5321, section 4.2).

use crate::spool::LastReply;

/// Octets of one reply with all its lines.
pub(super) const REPLY_LIMIT: usize = 64 * 1024;

/// One reply of the next hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HopReply {
    pub(super) code: u16,
    /// The text of each line, printable ASCII; everything else is shown as `?`.
    pub(super) lines: Vec<String>,
}

/// The octets are not a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAReply;

impl HopReply {
    pub(super) fn class(&self) -> u16 {
        self.code / 100
    }

    /// Code and text on one line, for the log.
    pub(super) fn summary(&self) -> String {
        self.last_reply().to_string()
    }

    /// What is kept with a recipient: the first lines, so that a hop cannot fill the spool.
    pub(super) fn last_reply(&self) -> LastReply {
        let mut room = KEPT;
        let lines = self.lines.iter().map_while(|line| {
            let short: String = line.chars().take(room).collect();
            let some = room > 0;
            // A line without text takes its place too.
            room = room.saturating_sub(short.len() + 1);
            some.then_some(short)
        });
        LastReply::Hop {
            code: self.code,
            lines: lines.collect(),
        }
    }
}

/// Takes one whole reply from the start of what has come, with the octets it fills; nothing if
/// more has to come.
pub(super) fn take(input: &[u8]) -> Result<Option<(HopReply, usize)>, NotAReply> {
    let mut lines = Vec::new();
    let mut first = None;
    let mut used = 0;
    while let Some(end) = line_end(&input[used..]) {
        let line = &input[used..used + end];
        used += end + 2;
        let (code, last, text) = line_of(line).ok_or(NotAReply)?;
        if *first.get_or_insert(code) != code || used > REPLY_LIMIT || lines.len() == LINES {
            return Err(NotAReply);
        }
        lines.push(shown(text));
        if last {
            return Ok(Some((HopReply { code, lines }, used)));
        }
    }
    if input.len() > REPLY_LIMIT {
        Err(NotAReply)
    } else {
        Ok(None)
    }
}

/// Lines of one reply. All are read anew with each that comes.
const LINES: usize = 1000;
/// Characters of text kept with a recipient.
const KEPT: usize = 4096;

fn line_end(input: &[u8]) -> Option<usize> {
    input.windows(2).position(|pair| pair == b"\r\n")
}

/// Code, whether it is the last line, and text. A code alone is a last line without text. Of a code
/// that nobody knows the first digit still counts (section 4.2), so the others may be any.
fn line_of(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, rest) = line.split_at_checked(3)?;
    let [
        first @ b'2'..=b'5',
        second @ b'0'..=b'9',
        third @ b'0'..=b'9',
    ] = code
    else {
        return None;
    };
    let code = [first, second, third]
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(**digit - b'0'));
    match rest {
        [] => Some((code, true, rest)),
        [b' ', text @ ..] => Some((code, true, text)),
        [b'-', text @ ..] => Some((code, false, text)),
        _ => None,
    }
}

fn shown(text: &[u8]) -> String {
    text.iter()
        .map(|octet| {
            if matches!(octet, b' '..=b'~') {
                char::from(*octet)
            } else {
                '?'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"250\r\n", 250, &[""])]
    #[case(b"250 2.0.0 ok\r\n", 250, &["2.0.0 ok"])]
    #[case(b"250-a\r\n250-SIZE 5\r\n250 c\r\nrest", 250, &["a", "SIZE 5", "c"])]
    #[case(b"550 \xff\t\r\n", 550, &["??"])]
    #[case(b"298 odd\r\n", 298, &["odd"])]
    fn replies_are_read_whole(#[case] input: &[u8], #[case] code: u16, #[case] lines: &[&str]) {
        let (reply, used) = take(input).unwrap().unwrap();
        assert_eq!(reply.code, code);
        assert_eq!(reply.lines, lines);
        assert_eq!(
            &input[used..],
            input.strip_suffix(b"rest").map_or(&b""[..], |_| b"rest")
        );
    }

    #[rstest]
    #[case(b"")]
    #[case(b"250 ok\n")]
    #[case(b"250-a\r\n250")]
    fn more_is_awaited(#[case] input: &[u8]) {
        assert_eq!(take(input), Ok(None));
    }

    #[rstest]
    #[case(b"\r\n")]
    #[case(b"25 ok\r\n")]
    #[case(b"650 ok\r\n")]
    #[case(b"154 ok\r\n")]
    #[case(b"2x0 ok\r\n")]
    #[case(b"250ok\r\n")]
    #[case(b"250-a\r\n550 b\r\n")]
    fn anything_else_is_not_a_reply(#[case] input: &[u8]) {
        assert_eq!(take(input), Err(NotAReply));
    }

    #[test]
    fn a_reply_is_bounded() {
        assert_eq!(take(&vec![b'2'; REPLY_LIMIT + 1]), Err(NotAReply));
        assert_eq!(
            take(&b"250-x\r\n".repeat(REPLY_LIMIT / 7 + 1)),
            Err(NotAReply)
        );
    }

    #[test]
    fn a_reply_has_not_too_many_lines() {
        let lines = |number: usize| {
            let mut input = b"250-\r\n".repeat(number - 1);
            input.extend_from_slice(b"250 \r\n");
            input
        };
        let (reply, _) = take(&lines(LINES)).unwrap().unwrap();
        assert_eq!(reply.lines.len(), LINES);
        assert_eq!(take(&lines(LINES + 1)), Err(NotAReply));
        assert_eq!(take(&b"250-\r\n".repeat(LINES + 1)), Err(NotAReply));
    }

    #[test]
    fn empty_lines_fill_what_is_kept() {
        let lines = vec![String::new(); 2 * KEPT];
        let LastReply::Hop { lines, .. } = HopReply { code: 250, lines }.last_reply() else {
            panic!("a reply of the hop");
        };
        assert_eq!(lines.len(), KEPT);
    }

    proptest! {
        #[test]
        fn octets_never_panic(input in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = take(&input);
        }
    }
}
