//! Long text in lines that fit (RFC 5322, sections 2.1.1 and 2.2.3).

use crate::mime::LINE_LIMIT;

/// Pieces that leave room for a field's name or an indent. None of them is empty or blank: as a
/// line of its own it would end a group of fields.
pub(super) fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let mut ends = (0..=rest.len().min(PIECE)).rev();
        let end = ends.find(|end| rest.is_char_boundary(*end));
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        let piece = piece.trim_end();
        if !piece.is_empty() {
            pieces.push(piece);
        }
        rest = after;
    }
    pieces
}

/// Text that may have lines already, each of them cut where it is too long; lines after the first
/// begin with these blanks.
pub(super) fn folded(text: &str, indent: &str) -> String {
    let line = format!("\r\n{indent}");
    let pieces: Vec<&str> = text.split(&line).flat_map(pieces).collect();
    pieces.join(&line)
}

/// Octets of a piece.
const PIECE: usize = LINE_LIMIT - 98;

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", &[])]
    #[case("  ", &[])]
    #[case("a b ", &["a b"])]
    fn short_lines_stay(#[case] line: &str, #[case] expected: &[&str]) {
        assert_eq!(pieces(line), expected);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let long = "用".repeat(1000);
        let pieces = pieces(&long);
        assert_eq!(pieces.concat(), long);
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
        let text = format!("a{}b\r\n c", " ".repeat(3 * PIECE - 1));
        assert_eq!(folded(&text, " "), "a\r\n b\r\n c");
    }
}
