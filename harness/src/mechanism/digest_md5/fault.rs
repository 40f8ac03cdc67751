//! What can be wrong with a digest-challenge (RFC 2831 section 2.1.1).

use std::fmt;

/// A breach of RFC 2831 section 2.1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not a list of directives.
    Syntax(String),
    /// A directive that must stand there does not.
    Missing(&'static str),
    /// A directive that may stand once stands more often.
    Repeated(&'static str),
    /// A directive has a value that the grammar does not allow.
    Value(&'static str, String),
    /// A value that the grammar quotes is a bare token.
    NotQuoted(&'static str),
    /// A value is not in the character set that the challenge declares.
    Encoding(&'static str),
    /// No quality of protection that a client of submission can use.
    QopWithoutAuth,
    /// Ciphers are named although auth-conf is not offered.
    CipherWithoutAuthConf,
    /// A directive of HTTP that SASL servers do not send.
    Forbidden(&'static str),
    /// It has 2048 octets or more.
    TooLong(usize),
}

/// A departure from the grammar that known servers have and known clients accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerated {
    /// A value is quoted that the grammar leaves bare.
    Quoted(&'static str),
    /// A realm without a character in it.
    EmptyRealm,
}

impl Fault {
    /// Whether a client has to abandon the exchange; it ignores the other faults.
    pub fn aborts(&self) -> bool {
        match self {
            Fault::Syntax(_) | Fault::Missing("nonce" | "algorithm") => true,
            Fault::Repeated(_) | Fault::Encoding(_) | Fault::QopWithoutAuth => true,
            Fault::Value(directive, _) => matches!(*directive, "algorithm" | "charset"),
            _ => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Syntax(fault) => write!(f, "{fault}"),
            Fault::Missing(name) => write!(f, "{name} is missing"),
            Fault::Repeated(name) => write!(f, "{name} stands more than once"),
            Fault::Value(name, value) => write!(f, "{name} has the value {value:?}"),
            Fault::NotQuoted(name) => write!(f, "the value of {name} is not quoted"),
            Fault::Encoding(name) => write!(f, "{name} is not in UTF-8, which charset declares"),
            Fault::QopWithoutAuth => write!(f, "qop does not offer auth"),
            Fault::CipherWithoutAuthConf => write!(f, "cipher stands without auth-conf"),
            Fault::Forbidden(name) => write!(f, "{name} is not for SASL"),
            Fault::TooLong(length) => write!(f, "{length} octets, not fewer than 2048"),
        }
    }
}

impl fmt::Display for Tolerated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tolerated::Quoted(name) => write!(f, "the value of {name} is quoted"),
            Tolerated::EmptyRealm => write!(f, "a realm is empty"),
        }
    }
}
