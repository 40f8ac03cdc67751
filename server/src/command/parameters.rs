//! Parameters of MAIL and RCPT: those of the extensions that are offered, and no others.

use super::FaultKind;
use super::path::is_mailbox;

/// What MAIL may say besides its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MailParameters {
    /// SIZE in octets (RFC 1870); a number that does not fit is too large for any limit.
    pub(crate) size: Option<u64>,
    /// Whether any parameter was given, which HELO sessions cannot.
    pub(crate) any: bool,
}

/// Parameters of MAIL: SIZE, and AUTH, which is checked and forgotten (RFC 4954, section 5).
pub(super) fn mail(text: &[u8]) -> Result<MailParameters, FaultKind> {
    let mut parameters = MailParameters::default();
    let mut auth = false;
    for (keyword, value) in split(text)? {
        parameters.any = true;
        match keyword.to_ascii_uppercase().as_slice() {
            b"SIZE" if parameters.size.is_none() => parameters.size = Some(size(value)?),
            b"AUTH" if !auth => {
                auth = true;
                if !is_auth_value(value) {
                    return Err(FaultKind::Arguments);
                }
            }
            b"SIZE" | b"AUTH" => return Err(FaultKind::Arguments),
            _ => return Err(FaultKind::Parameter),
        }
    }
    Ok(parameters)
}

/// Parameters of RCPT: none is offered.
pub(super) fn rcpt(text: &[u8]) -> Result<(), FaultKind> {
    if split(text)?.is_empty() {
        Ok(())
    } else {
        Err(FaultKind::Parameter)
    }
}

type Parameter<'a> = (&'a [u8], Option<&'a [u8]>);

/// ` KEYWORD[=value]` again and again; a blank too many is a syntax error.
fn split(text: &[u8]) -> Result<Vec<Parameter<'_>>, FaultKind> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let text = text.strip_prefix(b" ").ok_or(FaultKind::Arguments)?;
    text.split(|octet| *octet == b' ')
        .map(|parameter| {
            let end = parameter.iter().position(|octet| *octet == b'=');
            let (keyword, value) = match end {
                Some(end) => (&parameter[..end], Some(&parameter[end + 1..])),
                None => (parameter, None),
            };
            let named = keyword.first().is_some_and(u8::is_ascii_alphanumeric)
                && keyword
                    .iter()
                    .all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-');
            let valued = value.is_none_or(|value| {
                !value.is_empty() && value.iter().all(|octet| matches!(octet, 33..=126))
            });
            if named && valued {
                Ok((keyword, value))
            } else {
                Err(FaultKind::Arguments)
            }
        })
        .collect()
}

/// One to twenty digits (RFC 1870, section 3).
fn size(value: Option<&[u8]>) -> Result<u64, FaultKind> {
    let digits = value.unwrap_or_default();
    if !(1..=20).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(FaultKind::Arguments);
    }
    let text = std::str::from_utf8(digits).map_err(|_| FaultKind::Arguments)?;
    Ok(text.parse().unwrap_or(u64::MAX))
}

/// `<>` or a mailbox in xtext (RFC 4954, section 5; RFC 3461, section 4).
fn is_auth_value(value: Option<&[u8]>) -> bool {
    match value {
        Some(b"<>") => true,
        Some(value) => from_xtext(value).is_some_and(|mailbox| is_mailbox(&mailbox)),
        None => false,
    }
}

fn from_xtext(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Some(plain),
            [b'+', high, low, after @ ..] => {
                plain.push(hex(*high)? * 16 + hex(*low)?);
                after
            }
            [octet @ 33..=126, after @ ..] if !matches!(octet, b'+' | b'=') => {
                plain.push(*octet);
                after
            }
            _ => return None,
        };
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
