//! The header that SCRAM and OAUTHBEARER begin with: channel binding and authorization identity
//! (RFC 5801, section 4; RFC 5802, section 7).

/// The header, and how many octets of the message it takes.
pub(super) struct Header<'a> {
    pub(super) flag: Flag<'a>,
    /// Whom the client wants to act as, if it says so.
    pub(super) authzid: Option<String>,
    pub(super) octets: usize,
}

/// What the client says about channel binding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flag<'a> {
    /// `n`: the client has none.
    None,
    /// `y`: the client has it, and believes that the server has none.
    Unoffered,
    /// `p`: this type of binding is used.
    Used(&'a str),
}

impl<'a> Header<'a> {
    /// Nothing if the message does not begin with a header.
    pub(super) fn parse(message: &'a str) -> Option<Self> {
        let (flag, rest) = message.split_once(',')?;
        let (authzid, rest) = rest.split_once(',')?;
        let flag = match flag {
            "n" => Flag::None,
            "y" => Flag::Unoffered,
            _ => Flag::Used(flag.strip_prefix("p=").filter(|name| is_binding(name))?),
        };
        let authzid = match authzid {
            "" => None,
            _ => Some(saslname(authzid.strip_prefix("a=")?)?),
        };
        Some(Header {
            flag,
            authzid,
            octets: message.len() - rest.len(),
        })
    }
}

/// A name in which comma and equals sign are written `=2C` and `=3D`; it has no NUL and is not
/// empty.
pub(super) fn saslname(text: &str) -> Option<String> {
    let mut pieces = text.split('=');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        let (character, rest) = match (piece.strip_prefix("2C"), piece.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return None,
        };
        name.push(character);
        name.push_str(rest);
    }
    (!name.is_empty() && !text.contains(['\0', ','])).then_some(name)
}

fn is_binding(name: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'.' || octet == b'-';
    !name.is_empty() && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("n,,x", Flag::None, None, 3)]
    #[case("y,a=b=2Cc=3D,", Flag::Unoffered, Some("b,c="), 13)]
    #[case("p=tls-exporter,,", Flag::Used("tls-exporter"), None, 16)]
    fn headers_are_read(
        #[case] text: &str,
        #[case] flag: Flag<'_>,
        #[case] authzid: Option<&str>,
        #[case] octets: usize,
    ) {
        let header = Header::parse(text).unwrap();
        assert_eq!(header.flag, flag);
        assert_eq!(header.authzid.as_deref(), authzid);
        assert_eq!(header.octets, octets);
    }

    #[rstest]
    #[case("")]
    #[case("n")]
    #[case("n,")]
    #[case("N,,")]
    #[case("x,,")]
    #[case("p,,")]
    #[case("p=,,")]
    #[case("p=tls_x,,")]
    #[case("F,n,,")]
    #[case("n,a=,")]
    #[case("n,user=x,")]
    #[case("n,a=b=2c,")]
    #[case("n,a=b=,")]
    #[case("n,a=b\0,")]
    fn what_is_no_header(#[case] text: &str) {
        assert!(Header::parse(text).is_none());
    }
}
