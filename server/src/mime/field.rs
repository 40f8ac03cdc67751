//! The words of a structured field: tokens, quoted strings, and what may stand between them
//! (RFC 2045, section 5.1; RFC 5322, section 3.2).

/// What a Content-Type field says (RFC 2045, section 5).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MediaType<'a> {
    /// In small letters.
    pub(super) kind: String,
    /// In small letters.
    pub(super) subtype: String,
    parameters: Words<'a>,
}

/// What is left of a field's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words<'a>(&'a [u8]);

impl<'a> MediaType<'a> {
    pub(super) fn new(kind: &str, subtype: &str) -> Self {
        MediaType {
            kind: kind.to_owned(),
            subtype: subtype.to_owned(),
            parameters: Words(b""),
        }
    }

    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut words = Words(body);
        let kind = words.name()?;
        words.take(b'/')?;
        let subtype = words.name()?;
        Some(MediaType {
            kind,
            subtype,
            parameters: words,
        })
    }

    /// The boundary, if there is one and no doubt about it (RFC 2046, section 5.1.1).
    pub(super) fn boundary(&self) -> Option<Vec<u8>> {
        let mut words = self.parameters;
        let mut boundary = None;
        while !words.is_over()? {
            words.take(b';')?;
            // A semicolon too much is common and means nothing.
            if words.is_over()? || words.0.starts_with(b";") {
                continue;
            }
            let name = words.name()?;
            words.take(b'=')?;
            let value = words.value()?;
            if name == "boundary" && boundary.replace(value).is_some() {
                return None;
            }
        }
        boundary.filter(|boundary| {
            (1..=BOUNDARY_LIMIT).contains(&boundary.len())
                && boundary.iter().all(|octet| matches!(octet, b' '..=b'~'))
                && !boundary.ends_with(b" ")
        })
    }
}

/// The one token that a field consists of, in small letters.
pub(super) fn only_token(body: &[u8]) -> Option<String> {
    let mut words = Words(body);
    let token = words.name()?;
    words.is_over()?.then_some(token)
}

impl<'a> Words<'a> {
    /// Whether nothing comes but blanks and comments, which are passed over.
    fn is_over(&mut self) -> Option<bool> {
        self.pass_blanks()?;
        Some(self.0.is_empty())
    }

    fn name(&mut self) -> Option<String> {
        self.pass_blanks()?;
        let name = self.run(is_token)?;
        Some(String::from_utf8_lossy(name).to_ascii_lowercase())
    }

    /// A value; many write some octets without quotes that would need them.
    fn value(&mut self) -> Option<Vec<u8>> {
        self.pass_blanks()?;
        match self.0.strip_prefix(b"\"") {
            Some(rest) => self.quoted(rest),
            None => {
                let loose = |octet| is_token(octet) || matches!(octet, b'=' | b'/' | b':' | b'?');
                self.run(loose).map(<[u8]>::to_vec)
            }
        }
    }

    fn take(&mut self, octet: u8) -> Option<()> {
        self.pass_blanks()?;
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == octet).then_some(())
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|octet| !belongs(*octet));
        let (run, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        (!run.is_empty()).then_some(run)
    }

    fn quoted(&mut self, text: &'a [u8]) -> Option<Vec<u8>> {
        let mut octets = text.iter();
        let mut value = Vec::new();
        loop {
            match *octets.next()? {
                b'"' => break,
                b'\\' => value.push(*octets.next()?),
                // Folding.
                b'\r' | b'\n' => {}
                octet => value.push(octet),
            }
        }
        self.0 = octets.as_slice();
        Some(value)
    }

    /// Passes over blanks and comments; nothing if a comment has no end.
    fn pass_blanks(&mut self) -> Option<()> {
        let mut octets = self.0.iter();
        let mut comments = 0_usize;
        loop {
            let rest = octets.as_slice();
            match octets.next() {
                Some(b'(') => comments += 1,
                Some(b')') if comments > 0 => comments -= 1,
                Some(b'\\') if comments > 0 => drop(octets.next()?),
                Some(b' ' | b'\t' | b'\r' | b'\n') => {}
                Some(_) if comments > 0 => {}
                _ => {
                    self.0 = rest;
                    return (comments == 0).then_some(());
                }
            }
        }
    }
}

fn is_token(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&octet)
}

/// Octets of a boundary (RFC 2046, section 5.1.1).
const BOUNDARY_LIMIT: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(" multipart/mixed; boundary=abc\r\n", Some("abc"))]
    #[case(
        " Multipart/Mixed;\r\n\tBOUNDARY=\"a b\\\"c\" (why)\r\n",
        Some("a b\"c")
    )]
    #[case(
        " (a (b) \\) c) multipart / mixed ; charset=x;; boundary=----=_Part:1/2?;\r\n",
        Some("----=_Part:1/2?")
    )]
    #[case(" multipart/mixed; boundary=a; boundary=b\r\n", None)]
    #[case(" multipart/mixed; boundary=\"a\r\n", None)]
    #[case(" multipart/mixed; boundary=\"a \"\r\n", None)]
    #[case(" multipart/mixed; boundary=\"\"\r\n", None)]
    #[case(" multipart/mixed; boundary=a b\r\n", None)]
    #[case(" multipart/mixed; boundary*0=a\r\n", None)]
    #[case(" multipart/mixed\r\n", None)]
    fn a_boundary_is_read(#[case] body: &str, #[case] boundary: Option<&str>) {
        let media = MediaType::read(body.as_bytes()).unwrap();
        assert_eq!(
            (media.kind.as_str(), media.subtype.as_str()),
            ("multipart", "mixed")
        );
        let expected = boundary.map(|boundary| boundary.as_bytes().to_vec());
        assert_eq!(media.boundary(), expected);
    }

    #[rstest]
    #[case(" 8BIT (as\r\n it is)\r\n", Some("8bit"))]
    #[case(" 8bit 7bit", None)]
    #[case(" 8bit;", None)]
    #[case(" (8bit", None)]
    #[case("\r\n", None)]
    fn a_token_alone_is_read(#[case] body: &str, #[case] token: Option<&str>) {
        assert_eq!(only_token(body.as_bytes()).as_deref(), token);
    }

    #[rstest]
    #[case("text")]
    #[case("text/")]
    #[case("/plain")]
    #[case("text plain")]
    #[case("(text/plain")]
    fn what_is_no_type_is_none(#[case] body: &str) {
        assert_eq!(MediaType::read(body.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_read(
            body in "[ -~\r\n]{0,60}|multipart/x;( |;|b|boundary|=|\"|\\\\|\\(|\\)|\r\n){0,12}",
        ) {
            let _ = only_token(body.as_bytes());
            if let Some(media) = MediaType::read(body.as_bytes()) {
                prop_assert!(media.boundary().is_none_or(|boundary| boundary.len() <= body.len()));
            }
        }
    }
}
