//! The strict end of data: only CRLF, dot, CRLF (RFC 5321, sections 2.3.8 and 4.1.1.4).

mod room;

use room::UNIT;
pub(crate) use room::{Claim, Room, Share};

/// Mail content as it comes in: finds its end, takes the dot-stuffing out, notes what is wrong.
/// It holds its room until it is dropped.
#[derive(Debug)]
pub(crate) struct Content {
    octets: Vec<u8>,
    limit: u64,
    room: Claim,
    place: Place,
    bare: bool,
    /// Octets since the last CRLF.
    line: usize,
    long_line: bool,
    /// Set when nothing is kept any more.
    overflow: Option<ContentFault>,
}

/// Why a content is refused at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentFault {
    /// More octets than SIZE announces.
    TooLarge,
    /// Other sessions use all the memory there is for contents, or for those of this user; it may be
    /// tried again.
    NoRoom,
    /// A bare CR, a bare LF or a NUL: nothing that another server could split in two is passed on.
    BareOctets,
}

/// Where in a line the last octet stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    /// A dot at the start of a line, held back.
    Dot,
    /// That dot and a CR, both held back.
    DotCr,
    Text,
    /// A CR, held back.
    Cr,
    End,
}

/// Octets of a line, its CRLF not counted (RFC 5322, section 2.1.1).
const LINE_LIMIT: usize = 998;
/// Octets by which a large content's memory grows at most, so that little of it is in vain.
const GROWTH: usize = 4 * 1024 * 1024;

impl Content {
    /// Content of at most so many octets, CRLFs counted and dot-stuffing not (RFC 1870, section 3).
    pub(crate) fn new(limit: u64, share: &Share) -> Self {
        Content {
            octets: Vec::new(),
            limit,
            room: share.claim(),
            place: Place::LineStart,
            bare: false,
            line: 0,
            long_line: false,
            overflow: None,
        }
    }

    /// Takes octets: how many were used, and whether the end of the data was among them.
    pub(crate) fn feed(&mut self, input: &[u8]) -> (usize, bool) {
        let mut used = 0;
        while used < input.len() && self.place != Place::End {
            let rest = &input[used..];
            let plain = rest
                .iter()
                .position(|octet| matches!(octet, b'\r' | b'\n' | 0))
                .unwrap_or(rest.len());
            if self.place == Place::Text && plain > 0 {
                self.keep(&rest[..plain]);
                used += plain;
            } else {
                self.octet(rest[0]);
                used += 1;
            }
        }
        (used, self.place == Place::End)
    }

    /// Takes the content out, or tells why it is refused.
    pub(crate) fn finish(&mut self) -> Result<Vec<u8>, ContentFault> {
        match self.overflow {
            Some(fault) => Err(fault),
            None if self.bare => Err(ContentFault::BareOctets),
            None => Ok(std::mem::take(&mut self.octets)),
        }
    }

    /// Whether a line was longer than messages may have them.
    pub(crate) fn has_long_line(&self) -> bool {
        self.long_line
    }

    fn octet(&mut self, octet: u8) {
        self.place = match (self.place, octet) {
            (Place::LineStart, b'.') => Place::Dot,
            (Place::Dot, b'\r') => Place::DotCr,
            (Place::DotCr, b'\n') => Place::End,
            (Place::Cr, b'\n') => {
                self.keep(b"\r\n");
                Place::LineStart
            }
            (Place::Cr | Place::DotCr, _) => {
                self.bare = true;
                self.keep(b"\r");
                self.text(octet)
            }
            (_, _) => self.text(octet),
        };
    }

    fn text(&mut self, octet: u8) -> Place {
        if octet == b'\r' {
            return Place::Cr;
        }
        self.bare |= matches!(octet, b'\n' | 0);
        self.keep(&[octet]);
        Place::Text
    }

    /// Keeps octets as long as they fit; a refused content takes no memory.
    fn keep(&mut self, octets: &[u8]) {
        self.line = match octets {
            b"\r\n" => 0,
            _ => self.line + octets.len(),
        };
        self.long_line |= self.line > LINE_LIMIT;
        if self.overflow.is_none() {
            self.overflow = self.make_room(octets.len()).err();
        }
        if self.overflow.is_some() {
            self.octets = Vec::new();
            self.room.release();
        } else {
            self.octets.extend_from_slice(octets);
        }
    }

    /// Room is taken for the memory, not for what is in it already.
    fn make_room(&mut self, more: usize) -> Result<(), ContentFault> {
        let length = self.octets.len() + more;
        if length as u64 > self.limit {
            return Err(ContentFault::TooLarge);
        }
        let capacity = self.octets.capacity();
        if length > capacity {
            let growth = capacity.clamp(UNIT, GROWTH);
            let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
            let grown = (capacity + growth).min(most).max(length);
            let grown = grown.next_multiple_of(UNIT);
            let room = self.room.grow(grown - capacity);
            room.ok_or(ContentFault::NoRoom)?;
            self.octets.reserve_exact(grown - self.octets.len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn limited(limit: u64) -> Content {
        Content::new(limit, &Room::new(limit, limit).share("alice"))
    }

    fn read(input: &[u8]) -> (usize, Option<Result<Vec<u8>, ContentFault>>) {
        let mut content = limited(1000);
        let (used, ended) = content.feed(input);
        (used, ended.then(|| content.finish()))
    }

    #[rstest]
    #[case(b".\r\n", b"")]
    #[case(b"a\r\n.\r\n", b"a\r\n")]
    #[case(b"..\r\n...b\r\n.c\r\n.\r\n", b".\r\n..b\r\nc\r\n")]
    #[case(b"a.\r\n.\r\n", b"a.\r\n")]
    fn content_ends_and_is_unstuffed(#[case] input: &[u8], #[case] expected: &[u8]) {
        assert_eq!(read(input), (input.len(), Some(Ok(expected.to_vec()))));
    }

    #[rstest]
    #[case(b"a\n.\n")]
    #[case(b"a\n.\r\n")]
    #[case(b"a\r\n.\n")]
    #[case(b"a\r.\r")]
    #[case(b"a\r.\r\n")]
    #[case(b"a\r\n.\r")]
    #[case(b"a\r\n.\r\r\n")]
    #[case(b"a\r\n\0.\r\n")]
    #[case(b"a\r\n.\0\r\n")]
    fn nothing_else_ends_the_data(#[case] input: &[u8]) {
        assert_eq!(read(input).1, None);
        let whole = [input, b"\r\n.\r\n"].concat();
        let (used, end) = read(&whole);
        assert_eq!(used, whole.len());
        assert!(end == Some(Err(ContentFault::BareOctets)), "{end:?}");
    }

    #[test]
    fn what_follows_the_end_is_left() {
        assert_eq!(read(b"a\r\n.\r\nQUIT\r\n").0, 6);
    }

    #[test]
    fn the_limit_counts_neither_dots_nor_the_end() {
        let mut content = limited(4);
        assert!(content.feed(b"..a\r\n.\r\n").1);
        assert_eq!(content.finish(), Ok(b".a\r\n".to_vec()));
        let mut content = limited(4);
        assert!(content.feed(b"abc\r\n.\r\n").1);
        assert_eq!(content.finish(), Err(ContentFault::TooLarge));
    }

    #[rstest]
    #[case(998, 1, false)]
    #[case(998, 300, false)]
    #[case(999, 300, true)]
    fn a_line_is_counted_without_stuffing_and_its_end(
        #[case] octets: usize,
        #[case] block: usize,
        #[case] long: bool,
    ) {
        let line = format!(".{}\r\n", "a".repeat(octets - 1));
        let mut content = limited(10_000);
        for block in format!(".{line}.{line}\r\n.\r\n").as_bytes().chunks(block) {
            content.feed(block);
        }
        assert_eq!(content.has_long_line(), long);
        assert!(
            content
                .finish()
                .is_ok_and(|octets| octets.starts_with(line.as_bytes()))
        );
    }

    #[test]
    fn large_content_is_stuffed_in_blocks() {
        let text = b".23456789\r\n".repeat(20_000);
        let blocks: Vec<_> = crate::relay::stuffed(&text).collect();
        assert!(blocks.len() > 3);
        let mut content = limited(text.len() as u64);
        assert!(content.feed(&blocks.concat()).1);
        assert_eq!(content.finish(), Ok(text));
    }

    proptest! {
        #[test]
        fn blocks_make_no_difference(
            pieces in prop::collection::vec(prop::sample::select(vec!["\r", "\n", ".", "a", "\0", "\r\n"]), 0..40),
            cut in 1_usize..7,
        ) {
            let input = pieces.concat() + "\r\n.\r\n";
            let whole = read(input.as_bytes());
            let mut content = limited(1000);
            let mut used = 0;
            for block in input.as_bytes().chunks(cut) {
                let (taken, ended) = content.feed(block);
                used += taken;
                if ended { break; }
            }
            prop_assert_eq!(used, whole.0);
            prop_assert_eq!(Some(content.finish()), whole.1);
        }

        #[test]
        fn stuffing_and_unstuffing_are_inverse(lines in prop::collection::vec("[.a-c]{0,5}", 0..10)) {
            let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let sent: Vec<u8> = crate::relay::stuffed(text.as_bytes()).flatten().collect();
            prop_assert_eq!(read(&sent), (sent.len(), Some(Ok(text.into_bytes()))));
        }
    }
}
