//! The form of a segment: checksummed records behind a header, and how they are found again.

use std::ops::Range;

use super::id::Id;

/// What a segment's records begin with. It is random, so that no sender of mail can know it and
/// put what looks like a record into a content.
pub(super) type Mark = [u8; 8];

/// What a record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The envelope as one line of JSON, then the content.
    Message,
    /// The recipients as JSON, instead of all that was told about them earlier.
    Progress,
    /// That there is no such message any more. Its payload is empty.
    Removed,
}

/// A record that has no place yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) kind: Kind,
    pub(super) id: Id,
    pub(super) payload: Vec<u8>,
    crc: u32,
}

/// What is found in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A record with the place of its payload.
    Record {
        kind: Kind,
        id: Id,
        payload: Range<usize>,
    },
    /// Octets that belong to no sound record, and what they told about which message, if that is
    /// known.
    Damaged {
        span: Range<usize>,
        about: Option<(Kind, Id)>,
    },
}

/// All that is found in a segment; behind `end` there is only what a crash did not let finish.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) found: Vec<Found>,
    pub(super) end: usize,
}

/// Octets in front of a payload: mark, kind, id, length and checksum of the payload, checksum of
/// all this.
pub(super) const HEAD: usize = 8 + 1 + 16 + 8 + 4 + 4;
/// Octets of a segment's header: its name, the mark and a checksum.
pub(super) const HEADER: usize = 16 + 8 + 4;
const NAME: &[u8; 16] = b"msaspec spool 1\n";

impl Kind {
    fn octet(self) -> u8 {
        match self {
            Kind::Message => b'M',
            Kind::Progress => b'P',
            Kind::Removed => b'R',
        }
    }

    fn of(octet: u8) -> Option<Self> {
        [Kind::Message, Kind::Progress, Kind::Removed]
            .into_iter()
            .find(|kind| kind.octet() == octet)
    }
}

impl Draft {
    pub(super) fn new(kind: Kind, id: Id, payload: Vec<u8>) -> Self {
        let crc = crc32fast::hash(&payload);
        Draft {
            kind,
            id,
            payload,
            crc,
        }
    }

    /// Octets of the whole record.
    pub(super) fn length(&self) -> u64 {
        (HEAD + self.payload.len()) as u64
    }

    /// What stands in front of the payload.
    pub(super) fn head(&self, mark: Mark) -> Vec<u8> {
        let mut head = Vec::with_capacity(HEAD);
        head.extend(mark);
        head.push(self.kind.octet());
        head.extend(self.id.octets());
        head.extend((self.payload.len() as u64).to_be_bytes());
        head.extend(self.crc.to_be_bytes());
        head.extend(crc32fast::hash(&head).to_be_bytes());
        head
    }
}

/// The beginning of a segment.
pub(super) fn header(mark: Mark) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER);
    header.extend(NAME);
    header.extend(mark);
    header.extend(crc32fast::hash(&header).to_be_bytes());
    header
}

/// The mark in a segment's header, if that is sound.
pub(super) fn mark(segment: &[u8]) -> Option<Mark> {
    let (text, rest) = segment.get(..HEADER)?.split_at(HEADER - 4);
    let sound = text.starts_with(NAME) && crc32fast::hash(text).to_be_bytes() == rest;
    text[NAME.len()..].try_into().ok().filter(|_| sound)
}

/// The mark as the first record tells it, for a segment whose header is damaged.
pub(super) fn first_mark(segment: &[u8]) -> Option<Mark> {
    let record = segment.get(HEADER..)?;
    let mark = record.get(..8)?.try_into().ok()?;
    sound_head(record, mark).map(|_| mark)
}

/// Whether a payload is the one that a record's head speaks of.
pub(super) fn is_payload_of(record: &[u8]) -> bool {
    record.len() >= HEAD
        && crc32fast::hash(&record[HEAD..]).to_be_bytes() == record[HEAD - 8..HEAD - 4]
}

/// Whether a record is about this message.
pub(super) fn is_about(record: &[u8], id: Id) -> bool {
    record.get(9..25) == Some(id.octets().as_slice())
}

/// Finds all records of a segment, whatever happened to it.
pub(super) fn scan(segment: &[u8], mark: Mark) -> Scan {
    let mut scan = Scan {
        found: Vec::new(),
        end: HEADER,
    };
    let mut place = HEADER;
    while place < segment.len() {
        let Some((kind, id, length)) = sound_head(&segment[place..], mark) else {
            // Damage, unless nothing sound comes any more.
            let Some(next) = next_head(segment, place + 1, mark) else {
                break;
            };
            scan.damaged(place..next, None);
            place = next;
            continue;
        };
        let end = place + HEAD + length;
        if is_payload_of(&segment[place..end]) {
            let payload = place + HEAD..end;
            scan.found.push(Found::Record { kind, id, payload });
        } else {
            scan.damaged(place..end, Some((kind, id)));
        }
        scan.end = end;
        place = end;
    }
    scan
}

impl Scan {
    fn damaged(&mut self, span: Range<usize>, about: Option<(Kind, Id)>) {
        self.end = span.end;
        self.found.push(Found::Damaged { span, about });
    }
}

/// Kind, id and length of the payload, if the octets begin with the head of a record that ends
/// among them.
fn sound_head(octets: &[u8], mark: Mark) -> Option<(Kind, Id, usize)> {
    let head = octets.get(..HEAD)?;
    let (told, crc) = head.split_at(HEAD - 4);
    if told[..8] != mark || crc32fast::hash(told).to_be_bytes() != crc {
        return None;
    }
    let length = u64::from_be_bytes(told[25..33].try_into().ok()?);
    let length = usize::try_from(length).ok()?;
    let fits = length <= octets.len() - HEAD;
    let kind = Kind::of(told[8])?;
    let id = Id::of(told[9..25].try_into().ok()?);
    fits.then_some((kind, id, length))
}

fn next_head(segment: &[u8], from: usize, mark: Mark) -> Option<usize> {
    (from..segment.len().saturating_sub(HEAD - 1)).find(|place| {
        segment[*place..].starts_with(&mark) && sound_head(&segment[*place..], mark).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MARK: Mark = *b"\0mark\xff\r\n";

    fn segment(payloads: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
        let mut octets = header(MARK);
        let mut ends = Vec::new();
        for (number, payload) in payloads.iter().enumerate() {
            let id = Id::of([number as u8; 16]);
            let draft = Draft::new(Kind::Message, id, payload.clone());
            octets.extend(draft.head(MARK));
            octets.extend(payload);
            ends.push(octets.len());
        }
        (octets, ends)
    }

    fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6)
    }

    proptest! {
        #[test]
        fn a_cut_loses_nothing_before_it(payloads in payloads(), cut in any::<prop::sample::Index>()) {
            let (octets, ends) = segment(&payloads);
            let cut = HEADER + cut.index(octets.len() - HEADER + 1);
            let scan = scan(&octets[..cut], MARK);
            let whole = ends.iter().filter(|end| **end <= cut).count();
            prop_assert_eq!(scan.found.len(), whole);
            prop_assert_eq!(scan.end, if whole == 0 { HEADER } else { ends[whole - 1] });
        }

        #[test]
        fn one_wrong_octet_costs_one_record(
            payloads in payloads(), place in any::<prop::sample::Index>(), change in 1u8..,
        ) {
            prop_assume!(!payloads.is_empty());
            let (mut octets, ends) = segment(&payloads);
            let place = HEADER + place.index(octets.len() - HEADER);
            octets[place] ^= change;
            let hit = ends.iter().filter(|end| **end <= place).count();
            let scan = scan(&octets, MARK);
            let records = scan.found.iter().filter_map(|found| match found {
                Found::Record { id, payload, .. } => Some((*id, octets[payload.clone()].to_vec())),
                Found::Damaged { .. } => None,
            });
            let expected = payloads.iter().enumerate().filter(|(number, _)| *number != hit);
            let expected = expected.map(|(number, payload)| (Id::of([number as u8; 16]), payload.clone()));
            prop_assert_eq!(records.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }

        #[test]
        fn any_octets_are_scanned(
            octets in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'M')], 0..300),
            heads in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..4),
        ) {
            let mut segment = header(MARK);
            segment.extend(octets);
            for (place, length) in heads {
                // A head that is sound in itself, with whatever length.
                let mut head = Draft::new(Kind::Removed, Id::of([7; 16]), Vec::new()).head(MARK);
                head[25..33].copy_from_slice(&length.to_be_bytes());
                let crc = crc32fast::hash(&head[..HEAD - 4]);
                head[HEAD - 4..].copy_from_slice(&crc.to_be_bytes());
                let place = HEADER + place.index(segment.len() - HEADER + 1);
                segment.splice(place..place, head);
            }
            let scan = scan(&segment, MARK);
            prop_assert!(scan.end <= segment.len());
        }

        #[test]
        fn any_header_is_read(octets in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(mark(&octets), None);
        }
    }

    #[test]
    fn a_header_is_read() {
        assert_eq!(mark(&header(MARK)), Some(MARK));
    }
}
