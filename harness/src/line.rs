//! What we send: octets for the wire, and how a reader of the transcript sees them.

/// Octets to send, with the text that stands for them in a transcript: typed tokens such as
/// `[alice]` are put in here, where a secret is made into octets, and nowhere later.
#[derive(Clone, Debug, Default)]
pub struct Line {
    octets: Vec<u8>,
    shown: String,
}

impl Line {
    /// Octets that are shown as they are, odd ones made visible.
    pub fn new(octets: impl AsRef<[u8]>) -> Line {
        Line::default().then(octets)
    }

    /// Adds octets that are shown as they are.
    pub fn then(mut self, octets: impl AsRef<[u8]>) -> Line {
        self.octets.extend_from_slice(octets.as_ref());
        self.shown.push_str(&visible(octets.as_ref()));
        self
    }

    /// Adds octets that are shown as `[name]`.
    pub fn token(mut self, octets: impl AsRef<[u8]>, name: &str) -> Line {
        self.octets.extend_from_slice(octets.as_ref());
        self.shown.push_str(&format!("[{name}]"));
        self
    }

    /// The octets for the wire, without a line end.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The text for the transcript.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The verb of a command line, in upper case.
    pub fn verb(&self) -> String {
        verb(&self.octets)
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Line {
        Line::new(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Line {
        Line::new(text)
    }
}

/// The first word of a command line, in upper case.
pub fn verb(line: &[u8]) -> String {
    let end = line
        .iter()
        .position(|octet| !octet.is_ascii_alphanumeric())
        .unwrap_or(line.len());
    String::from_utf8_lossy(&line[..end]).to_ascii_uppercase()
}

/// Octets as printable ASCII: CR, LF, HT and NUL by name, others as `\xNN`.
pub fn visible(octets: &[u8]) -> String {
    let mut shown = String::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            b'\r' => shown.push_str("<CR>"),
            b'\n' => shown.push_str("<LF>"),
            b'\t' => shown.push_str("<HT>"),
            0 => shown.push_str("<NUL>"),
            b' '..=b'~' => shown.push(char::from(octet)),
            other => shown.push_str(&format!("\\x{other:02X}")),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_octets_are_visible() {
        assert_eq!(visible(b"one\r\n.\0\xff\t~"), "one<CR><LF>.<NUL>\\xFF<HT>~");
    }

    #[test]
    fn a_token_hides_its_octets() {
        let line = Line::new("AUTH PLAIN ").token("AGFsaWNl", "alice");
        assert_eq!(line.octets(), b"AUTH PLAIN AGFsaWNl");
        assert_eq!(line.shown(), "AUTH PLAIN [alice]");
        assert_eq!(line.verb(), "AUTH");
    }
}
