//! The list grammar that DIGEST-MD5 took from HTTP (RFC 2831 section 7).

/// One `name=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    name: String,
    /// The value without quotes and quoted-pairs.
    pub(super) value: Vec<u8>,
    pub(super) quoted: bool,
}

impl Directive {
    /// Names are literals of the grammar, which ignores their case (section 7.1).
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Reads a list of directives; linear white space and null elements are allowed (section 7.1).
pub(super) fn read(octets: &[u8]) -> Result<Vec<Directive>, String> {
    let mut rest = Rest { octets, at: 0 };
    let mut directives = Vec::new();
    loop {
        rest.skip_null_elements();
        if rest.peek().is_none() {
            return Ok(directives);
        }
        directives.push(rest.directive()?);
        rest.skip_white_space();
        if !matches!(rest.peek(), None | Some(b',')) {
            return Err(rest.fault("a comma is missing"));
        }
    }
}

/// The elements of a list inside one quoted value, such as that of qop.
pub(super) fn elements(value: &[u8]) -> Vec<String> {
    value
        .split(|&octet| octet == b',')
        .map(|element| String::from_utf8_lossy(element.trim_ascii()).into_owned())
        .filter(|element| !element.is_empty())
        .collect()
}

struct Rest<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Rest<'_> {
    fn directive(&mut self) -> Result<Directive, String> {
        let name = String::from_utf8_lossy(self.token("a directive's name")?).into_owned();
        self.skip_white_space();
        if self.peek() != Some(b'=') {
            return Err(self.fault("an equals sign is missing"));
        }
        self.at += 1;
        self.skip_white_space();
        let quoted = self.peek() == Some(b'"');
        let value = match quoted {
            true => self.quoted_string()?,
            false => self.token("a value")?.to_vec(),
        };
        Ok(Directive {
            name,
            value,
            quoted,
        })
    }

    fn token(&mut self, what: &str) -> Result<&[u8], String> {
        let start = self.at;
        while self.peek().is_some_and(is_token) {
            self.at += 1;
        }
        match start == self.at {
            true => Err(self.fault(&format!("{what} is missing"))),
            false => Ok(&self.octets[start..self.at]),
        }
    }

    fn quoted_string(&mut self) -> Result<Vec<u8>, String> {
        let mut value = Vec::new();
        self.at += 1;
        loop {
            let octet = self.peek();
            self.at += 1;
            match octet {
                Some(b'"') => return Ok(value),
                Some(b'\\') => {
                    let escaped = self.peek().filter(u8::is_ascii);
                    value.push(escaped.ok_or_else(|| self.fault("a quoted-pair is broken"))?);
                    self.at += 1;
                }
                Some(octet) if octet.is_ascii_control() && octet != b'\t' => {
                    return Err(self.fault("a control character in a quoted string"));
                }
                Some(octet) => value.push(octet),
                None => return Err(self.fault("a quoted string has no end")),
            }
        }
    }

    fn skip_null_elements(&mut self) {
        self.skip_white_space();
        while self.peek() == Some(b',') {
            self.at += 1;
            self.skip_white_space();
        }
    }

    fn skip_white_space(&mut self) {
        loop {
            match &self.octets[self.at..] {
                [b' ' | b'\t', ..] => self.at += 1,
                [b'\r', b'\n', b' ' | b'\t', ..] => self.at += 3,
                _ => return,
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    fn fault(&self, what: &str) -> String {
        format!("{what} at octet {}", self.at.min(self.octets.len()))
    }
}

fn is_token(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&octet)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_null_elements_and_quoted_pairs_are_read() {
        let directives = read(b", ,\r\n a = \"b,\\\"c\" ,,\tD=e ,").unwrap();
        assert_eq!(directives.len(), 2);
        assert_eq!(directives[0].value, b"b,\"c");
        assert!(directives[0].quoted && directives[1].is("d") && !directives[1].quoted);
    }

    #[test]
    fn what_the_grammar_lacks_is_refused() {
        for wrong in [
            &b"a"[..],
            b"a=",
            b"=b",
            b"a=\"b",
            b"a=\"b\\",
            b"a=b c=d",
            b"a=\"\0\"",
            b"a\xff=b",
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&octets);
        }

        #[test]
        fn nor_do_likelier_ones(text in "[ab=\",\\\\ \t\r\n]{0,24}") {
            let _ = read(text.as_bytes());
        }
    }
}
