//! Changes of a content at some places of it, in bounds.

use std::ops::Range;

/// A place in the content, and what stands there instead.
type Edit = (Range<usize>, String);

/// Edits of one message, so that short addresses in a long list cannot grow without bounds.
const LIMIT: usize = 2000;
/// Octets of a line with its CRLF (RFC 5322, section 2.1.1).
const LINE_LIMIT: usize = 1000;

/// Edits in the order of their places, none of which touches another.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<Edit>);

/// There are too many edits, or a line would be too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfBounds;

impl Edits {
    /// Adds an edit behind all others.
    pub(super) fn replace(
        &mut self,
        place: Range<usize>,
        text: impl Into<String>,
    ) -> Result<(), OutOfBounds> {
        if self.0.len() == LIMIT {
            return Err(OutOfBounds);
        }
        self.0.push((place, text.into()));
        Ok(())
    }

    pub(super) fn insert(&mut self, place: usize, text: &str) -> Result<(), OutOfBounds> {
        self.replace(place..place, text)
    }

    /// How many there are, for [`Edits::within_lines`] and [`Edits::truncate`].
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// Whether a range of the content whose edits begin at this one keeps to the length of lines.
    pub(super) fn within_lines(
        &self,
        first: usize,
        content: &[u8],
        range: Range<usize>,
    ) -> Result<(), OutOfBounds> {
        let edits = &self.0[first..];
        if !edits.is_empty() && longest_line(&applied(edits, content, range)) > LINE_LIMIT {
            return Err(OutOfBounds);
        }
        Ok(())
    }

    /// The first octets of the content with all edits, in pieces.
    pub(super) fn applied<'a>(&'a self, content: &'a [u8], end: usize) -> Vec<&'a [u8]> {
        applied(&self.0, content, 0..end)
    }
}

fn applied<'a>(edits: &'a [Edit], content: &'a [u8], range: Range<usize>) -> Vec<&'a [u8]> {
    let mut pieces = Vec::with_capacity(2 * edits.len() + 1);
    let mut start = range.start;
    for (place, text) in edits {
        pieces.push(&content[start..place.start]);
        pieces.push(text.as_bytes());
        start = place.end;
    }
    pieces.push(&content[start..range.end]);
    pieces
}

fn longest_line(pieces: &[&[u8]]) -> usize {
    let (mut longest, mut length) = (0, 0);
    let parts = pieces
        .iter()
        .flat_map(|piece| piece.split_inclusive(|octet| *octet == b'\n'));
    for part in parts {
        length += part.len();
        longest = longest.max(length);
        if part.ends_with(b"\n") {
            length = 0;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_last_edit() {
        let mut edits = Edits::default();
        for place in 0..LIMIT {
            assert_eq!(edits.insert(place, "x"), Ok(()));
        }
        assert_eq!(edits.insert(LIMIT, "x"), Err(OutOfBounds));
        assert_eq!(edits.len(), LIMIT);
    }

    #[test]
    fn a_line_has_998_octets_and_its_end() {
        let line = format!("{}\r\n", "a".repeat(LINE_LIMIT - 3));
        let content = line.repeat(3);
        let mut edits = Edits::default();
        edits.insert(2 * line.len(), "x").unwrap();
        let kept = |edits: &Edits| edits.within_lines(0, content.as_bytes(), 0..content.len());
        assert_eq!(kept(&edits), Ok(()));
        edits.insert(2 * line.len() + 1, "x").unwrap();
        assert_eq!(kept(&edits), Err(OutOfBounds));
    }
}
