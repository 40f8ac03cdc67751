//! The server's two messages, read by the grammar of RFC 5802 section 7.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A server-first-message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFirst {
    /// The whole message, which enters the AuthMessage as it came.
    pub text: String,
    /// Client nonce and server nonce together.
    pub nonce: String,
    /// The salt, decoded.
    pub salt: Vec<u8>,
    /// The iteration count.
    pub iterations: u32,
}

impl ServerFirst {
    /// Reads the message; the error says what it lacks.
    pub fn parse(octets: &[u8]) -> Result<ServerFirst, String> {
        let text = text(octets)?;
        let mut attributes = Attributes::of(text);
        let nonce = attributes.expect('r')?;
        if !nonce.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err("the nonce is not printable ASCII".to_owned());
        }
        let salt = base64('s', attributes.expect('s')?)?;
        let iterations = positive_number(attributes.expect('i')?)?;
        attributes.extensions()?;
        Ok(ServerFirst {
            text: text.to_owned(),
            nonce: nonce.to_owned(),
            salt,
            iterations,
        })
    }

    /// Whether the nonce is the client's own with something of the server's appended (RFC 5802
    /// section 5.1).
    pub fn check_nonce(&self, client_nonce: &str) -> Result<(), String> {
        match self.nonce.strip_prefix(client_nonce) {
            None => Err("the nonce does not begin with the client's".to_owned()),
            Some("") => Err("the nonce has nothing of the server's".to_owned()),
            Some(_) => Ok(()),
        }
    }

    /// Whether the iteration count is one that we are willing to compute.
    pub fn check_iterations(&self) -> Result<(), String> {
        match self.iterations {
            0..=MOST_ITERATIONS => Ok(()),
            many => Err(format!(
                "{many} iterations, and more than {MOST_ITERATIONS} are not computed"
            )),
        }
    }
}

/// A server-final-message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFinal {
    /// `v=`: the server's signature, decoded.
    Verifier(Vec<u8>),
    /// `e=`: why the exchange failed.
    Error(String),
}

impl ServerFinal {
    /// Reads the message; the error says what it lacks.
    pub fn parse(octets: &[u8]) -> Result<ServerFinal, String> {
        let mut attributes = Attributes::of(text(octets)?);
        let message = match attributes.next()? {
            Some(('v', value)) => ServerFinal::Verifier(base64('v', value)?),
            Some(('e', value)) => ServerFinal::Error(value.to_owned()),
            _ => return Err("it begins with neither v= nor e=".to_owned()),
        };
        attributes.extensions()?;
        Ok(message)
    }
}

struct Attributes<'a>(std::str::Split<'a, char>);

impl<'a> Attributes<'a> {
    fn of(text: &'a str) -> Attributes<'a> {
        Attributes(text.split(','))
    }

    /// The next attribute with its value, which is never empty (attr-val).
    fn next(&mut self) -> Result<Option<(char, &'a str)>, String> {
        let Some(attribute) = self.0.next() else {
            return Ok(None);
        };
        match attribute.split_once('=') {
            Some(("m", _)) => Err("it demands an extension by m=".to_owned()),
            Some((name, value)) if name.len() == 1 && !value.is_empty() => {
                match name.chars().find(char::is_ascii_alphabetic) {
                    Some(name) => Ok(Some((name, value))),
                    None => Err(format!("{attribute:?} is no attribute")),
                }
            }
            _ => Err(format!("{attribute:?} is no attribute")),
        }
    }

    fn expect(&mut self, name: char) -> Result<&'a str, String> {
        match self.next()? {
            Some((found, value)) if found == name => Ok(value),
            Some((found, _)) => Err(format!("{found}= stands in the place of {name}=")),
            None => Err(format!("{name}= is missing")),
        }
    }

    /// Unknown ones are ignored, but have to be attributes.
    fn extensions(&mut self) -> Result<(), String> {
        while self.next()?.is_some() {}
        Ok(())
    }
}

fn text(octets: &[u8]) -> Result<&str, String> {
    match std::str::from_utf8(octets) {
        Ok(text) if text.contains('\0') => Err("it contains NUL".to_owned()),
        Ok(text) => Ok(text),
        Err(_) => Err("it is not UTF-8".to_owned()),
    }
}

fn base64(name: char, value: &str) -> Result<Vec<u8>, String> {
    let fault = |error| format!("{name}= is not base64: {error}");
    STANDARD.decode(value).map_err(fault)
}

fn positive_number(value: &str) -> Result<u32, String> {
    let digits = value.bytes().all(|octet| octet.is_ascii_digit()) && !value.starts_with('0');
    let number = digits.then(|| value.parse().ok()).flatten();
    number.ok_or_else(|| format!("i={value} is not a positive number that fits 32 bits"))
}

/// A count beyond this would let a server keep us busy for minutes.
const MOST_ITERATIONS: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn extensions_are_ignored_and_kept() {
        let text = "r=ab,s=QUJD,i=4096,x=1,Z==";
        let first = ServerFirst::parse(text.as_bytes()).unwrap();
        assert_eq!((first.text.as_str(), first.iterations), (text, 4096));
        let last = ServerFinal::parse(b"v=QUJD,x=1").unwrap();
        assert_eq!(last, ServerFinal::Verifier(b"ABC".to_vec()));
    }

    #[rstest]
    #[case("")]
    #[case("r=ab")]
    #[case("r=ab,s=QUJD")]
    #[case("r=ab,s=QUJD,i=")]
    #[case("r=ab,s=QUJD,i=-1")]
    #[case("r=ab,s=QUJD,i=+1")]
    #[case("r=ab,s=QUJD,i=04096")]
    #[case("r=ab,s=QUJD,i=99999999999")]
    #[case("r=ab,s=QUJ,i=4096")]
    #[case("r=ab,s=,i=4096")]
    #[case("r=ab,i=4096,s=QUJD")]
    #[case("R=ab,s=QUJD,i=4096")]
    #[case("m=x,r=ab,s=QUJD,i=4096")]
    #[case("r=ab,s=QUJD,i=4096,m=x")]
    #[case("r=ab,s=QUJD,i=4096,")]
    #[case("r=ab,s=QUJD,i=4096,1=x")]
    #[case("r=a b,s=QUJD,i=4096")]
    #[case("r=a\0b,s=QUJD,i=4096")]
    fn what_the_grammar_lacks_is_refused(#[case] text: &str) {
        assert!(ServerFirst::parse(text.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = ServerFirst::parse(&octets);
            let _ = ServerFinal::parse(&octets);
        }
    }
}
