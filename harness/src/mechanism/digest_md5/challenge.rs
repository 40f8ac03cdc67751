//! The digest-challenge, read strictly (RFC 2831 section 2.1.1).

use super::directive::{self, Directive};
use super::{Fault, Tolerated};

/// What a client needs to know of a digest-challenge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// The realms offered, in their order.
    pub realms: Vec<String>,
    /// The server's nonce.
    pub nonce: String,
    /// The qualities of protection, `auth` alone if the directive is absent.
    pub qop: Vec<String>,
    /// The ciphers offered for auth-conf.
    pub ciphers: Vec<String>,
    /// Whether the server takes UTF-8.
    pub utf8: bool,
    /// Habits of known servers that the grammar has not, and that harm nobody.
    pub tolerated: Vec<Tolerated>,
}

/// A challenge with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// As much as could be understood.
    pub challenge: Challenge,
    /// Every breach of RFC 2831 section 2.1.1.
    pub faults: Vec<Fault>,
}

impl Challenge {
    /// The challenge if it is without fault.
    pub fn parse(octets: &[u8]) -> Result<Challenge, Vec<Fault>> {
        let Reading { challenge, faults } = Challenge::read(octets);
        match faults.is_empty() {
            true => Ok(challenge),
            false => Err(faults),
        }
    }

    /// The challenge as far as it can be understood, and its faults.
    pub fn read(octets: &[u8]) -> Reading {
        let mut reader = Reader::default();
        if octets.len() >= 2048 {
            reader.faults.push(Fault::TooLong(octets.len()));
        }
        match directive::read(octets) {
            Ok(directives) => reader.read(&directives),
            Err(fault) => reader.faults.push(Fault::Syntax(fault)),
        }
        Reading {
            challenge: reader.challenge,
            faults: reader.faults,
        }
    }
}

#[derive(Default)]
struct Reader {
    challenge: Challenge,
    faults: Vec<Fault>,
}

impl Reader {
    fn read(&mut self, directives: &[Directive]) {
        self.form(directives);
        let charset = self.bare(directives, "charset");
        self.challenge.utf8 = self.is_literal("charset", charset, "utf-8");
        match self.bare(directives, "algorithm") {
            None => self.faults.push(Fault::Missing("algorithm")),
            algorithm => {
                self.is_literal("algorithm", algorithm, "md5-sess");
            }
        }
        let stale = self.bare(directives, "stale");
        self.is_literal("stale", stale, "true");
        if let Some(maxbuf) = self.bare(directives, "maxbuf")
            && (maxbuf.is_empty() || !maxbuf.iter().all(u8::is_ascii_digit))
        {
            self.faults.push(value("maxbuf", maxbuf));
        }
        self.nonce(directives);
        self.realms(directives);
        self.protection(directives);
    }

    fn form(&mut self, directives: &[Directive]) {
        for name in ["realm", "nonce", "qop", "cipher"] {
            if named(directives, name).any(|directive| !directive.quoted) {
                self.faults.push(Fault::NotQuoted(name));
            }
        }
        for name in ["opaque", "domain"] {
            if named(directives, name).next().is_some() {
                self.faults.push(Fault::Forbidden(name));
            }
        }
    }

    fn nonce(&mut self, directives: &[Directive]) {
        match self.at_most_once(directives, "nonce") {
            None => self.faults.push(Fault::Missing("nonce")),
            Some(nonce) => self.challenge.nonce = self.text("nonce", &nonce.value),
        }
    }

    fn realms(&mut self, directives: &[Directive]) {
        for realm in named(directives, "realm") {
            if realm.value.is_empty() {
                self.challenge.tolerated.push(Tolerated::EmptyRealm);
            }
            let realm = self.text("realm", &realm.value);
            self.challenge.realms.push(realm);
        }
    }

    fn protection(&mut self, directives: &[Directive]) {
        // Literals of the grammar, hence without case.
        let list = |name| {
            named(directives, name)
                .flat_map(|directive| directive::elements(&directive.value))
                .map(|element| element.to_ascii_lowercase())
                .collect::<Vec<_>>()
        };
        self.challenge.qop = match named(directives, "qop").next() {
            None => vec!["auth".to_owned()],
            Some(_) => list("qop"),
        };
        self.challenge.ciphers = list("cipher");
        let offered = |quality: &str| self.challenge.qop.iter().any(|qop| qop == quality);
        let confidential = offered("auth-conf");
        if !offered("auth") {
            self.faults.push(Fault::QopWithoutAuth);
        }
        match (confidential, named(directives, "cipher").count()) {
            (true, 0) => self.faults.push(Fault::Missing("cipher")),
            (true, 1) | (false, 0) => {}
            (true, _) => self.faults.push(Fault::Repeated("cipher")),
            (false, _) => self.faults.push(Fault::CipherWithoutAuthConf),
        }
    }

    /// The value of a directive that may stand once and is a bare token.
    fn bare<'a>(&mut self, directives: &'a [Directive], name: &'static str) -> Option<&'a [u8]> {
        let directive = self.at_most_once(directives, name)?;
        if directive.quoted {
            self.challenge.tolerated.push(Tolerated::Quoted(name));
        }
        Some(&directive.value)
    }

    fn at_most_once<'a>(
        &mut self,
        directives: &'a [Directive],
        name: &'static str,
    ) -> Option<&'a Directive> {
        if named(directives, name).count() > 1 {
            self.faults.push(Fault::Repeated(name));
        }
        named(directives, name).next()
    }

    fn is_literal(&mut self, name: &'static str, found: Option<&[u8]>, literal: &str) -> bool {
        let Some(found) = found else { return false };
        let right = found.eq_ignore_ascii_case(literal.as_bytes());
        if !right {
            self.faults.push(value(name, found));
        }
        right
    }

    fn text(&mut self, name: &'static str, octets: &[u8]) -> String {
        if !self.challenge.utf8 {
            return octets.iter().copied().map(char::from).collect();
        }
        String::from_utf8(octets.to_vec()).unwrap_or_else(|_| {
            self.faults.push(Fault::Encoding(name));
            String::new()
        })
    }
}

fn named<'a>(directives: &'a [Directive], name: &str) -> impl Iterator<Item = &'a Directive> {
    directives
        .iter()
        .filter(move |directive| directive.is(name))
}

fn value(name: &'static str, octets: &[u8]) -> Fault {
    Fault::Value(name, String::from_utf8_lossy(octets).into_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"nonce="n",algorithm=md5-sess"#)]
    #[case(r#"realm="a",realm="b",nonce="n",qop="auth,auth-int",algorithm=md5-sess,charset=utf-8,foo=bar"#)]
    #[case(r#"nonce="n",realm="h",qop="auth, auth-conf",cipher="3des,des",maxbuf=4096,stale=TRUE,algorithm=MD5-sess"#)]
    fn sound(#[case] text: &str) {
        assert_eq!(Challenge::parse(text.as_bytes()).unwrap().tolerated, []);
    }

    #[test]
    fn habits_of_known_servers_are_recorded_not_refused() {
        let challenge = Challenge::parse(
            br#"realm="",nonce="n",qop="auth",charset="utf-8",algorithm="md5-sess""#,
        )
        .unwrap();
        assert!(challenge.utf8);
        assert_eq!(
            challenge.tolerated,
            [
                Tolerated::Quoted("charset"),
                Tolerated::Quoted("algorithm"),
                Tolerated::EmptyRealm,
            ]
        );
    }

    #[rstest]
    #[case(r#"nonce="#, Fault::Syntax("a value is missing at octet 6".into()), true)]
    #[case(r#"algorithm=md5-sess"#, Fault::Missing("nonce"), true)]
    #[case(r#"nonce="n""#, Fault::Missing("algorithm"), true)]
    #[case(
        r#"nonce="n",nonce="m",algorithm=md5-sess"#,
        Fault::Repeated("nonce"),
        true
    )]
    #[case(
        r#"nonce="n",algorithm=md5-sess,algorithm=md5-sess"#,
        Fault::Repeated("algorithm"),
        true
    )]
    #[case(
        r#"nonce="n",algorithm=md5-sess,charset=utf-8,charset=utf-8"#,
        Fault::Repeated("charset"),
        true
    )]
    #[case(
        r#"nonce="n",algorithm=md5-sess,maxbuf=1,maxbuf=2"#,
        Fault::Repeated("maxbuf"),
        true
    )]
    #[case(
        r#"nonce="n",algorithm=md5-sess,stale=true,stale=true"#,
        Fault::Repeated("stale"),
        true
    )]
    #[case(r#"nonce="n",algorithm=md5"#, Fault::Value("algorithm", "md5".into()), true)]
    #[case(r#"nonce="n",algorithm=md5-sess,charset=koi8-r"#, Fault::Value("charset", "koi8-r".into()), true)]
    #[case(r#"nonce="n",algorithm=md5-sess,maxbuf=x1"#, Fault::Value("maxbuf", "x1".into()), false)]
    #[case(r#"nonce="n",algorithm=md5-sess,stale=false"#, Fault::Value("stale", "false".into()), false)]
    #[case(r#"nonce=n,algorithm=md5-sess"#, Fault::NotQuoted("nonce"), false)]
    #[case(
        r#"nonce="n",algorithm=md5-sess,qop="auth-int""#,
        Fault::QopWithoutAuth,
        true
    )]
    #[case(
        r#"nonce="n",algorithm=md5-sess,qop="auth,auth-conf""#,
        Fault::Missing("cipher"),
        false
    )]
    #[case(
        r#"nonce="n",algorithm=md5-sess,cipher="des""#,
        Fault::CipherWithoutAuthConf,
        false
    )]
    #[case(
        r#"nonce="n",algorithm=md5-sess,opaque="x""#,
        Fault::Forbidden("opaque"),
        false
    )]
    #[case(
        r#"nonce="n",algorithm=md5-sess,domain="x""#,
        Fault::Forbidden("domain"),
        false
    )]
    fn faulty(#[case] text: &str, #[case] fault: Fault, #[case] aborts: bool) {
        assert_eq!(fault.aborts(), aborts);
        assert_eq!(Challenge::parse(text.as_bytes()), Err(vec![fault]));
    }

    #[test]
    fn charset_binds_the_text() {
        let octets = b"realm=\"\xe9\",nonce=\"n\",algorithm=md5-sess,charset=utf-8";
        assert_eq!(
            Challenge::parse(octets),
            Err(vec![Fault::Encoding("realm")])
        );
        let challenge = Challenge::parse(b"realm=\"\xe9\",nonce=\"n\",algorithm=md5-sess");
        assert_eq!(challenge.unwrap().realms, ["\u{e9}"]);
    }

    #[test]
    fn length_is_bounded() {
        let text = |length: usize| {
            let start = r#"algorithm=md5-sess,nonce=""#;
            format!("{start}{}\"", "n".repeat(length - start.len() - 1))
        };
        assert!(Challenge::parse(text(2047).as_bytes()).is_ok());
        let faults = Challenge::parse(text(2048).as_bytes()).unwrap_err();
        assert_eq!(faults, [Fault::TooLong(2048)]);
    }
}
