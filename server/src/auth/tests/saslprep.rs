//! The preparation of names and passwords against its vectors (RFC 4013).

use super::*;

#[test]
fn saslprep_vectors() {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    for row in all["SASLprep"]["rows"].as_array().unwrap() {
        let input = unescaped(word(row, "input_escaped"));
        let output = row["output_escaped"].as_str().or(row["output"].as_str());
        let prepared = stringprep::saslprep(&input).ok();
        assert_eq!(
            prepared.as_deref(),
            output.map(unescaped).as_deref(),
            "{row}"
        );
    }
}

/// Reads `\xNN` and `\uNNNN`.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('\\');
    let mut read = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let digits = if piece.starts_with('x') { 2 } else { 4 };
        let (digits, rest) = piece[1..].split_at(digits);
        read.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
        read.push_str(rest);
    }
    read
}
