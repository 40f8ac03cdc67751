//! The parameters of MAIL and RCPT as they are written; what they mean is the extensions' matter.

use super::FaultKind;

/// One esmtp-param (RFC 5321, section 4.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// In capitals, since keywords have no case.
    pub(crate) keyword: String,
    /// The octets after the equals sign, if there is one; never empty.
    pub(crate) value: Option<Vec<u8>>,
}

/// ` KEYWORD[=value]` again and again; a blank too many, or a keyword again, is a syntax error.
pub(super) fn read(text: &[u8]) -> Result<Vec<Parameter>, FaultKind> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let text = text.strip_prefix(b" ").ok_or(FaultKind::Arguments)?;
    let mut parameters: Vec<Parameter> = Vec::new();
    for word in text.split(|octet| *octet == b' ') {
        let parameter = parameter(word).ok_or(FaultKind::Arguments)?;
        if parameters.len() == LIMIT
            || parameters
                .iter()
                .any(|earlier| earlier.keyword == parameter.keyword)
        {
            return Err(FaultKind::Arguments);
        }
        parameters.push(parameter);
    }
    Ok(parameters)
}

fn parameter(word: &[u8]) -> Option<Parameter> {
    let end = word.iter().position(|octet| *octet == b'=');
    let (keyword, value) = match end {
        Some(end) => (&word[..end], Some(&word[end + 1..])),
        None => (word, None),
    };
    let named = keyword.first().is_some_and(u8::is_ascii_alphanumeric)
        && keyword
            .iter()
            .all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-');
    let valued = value.is_none_or(|value| {
        !value.is_empty()
            && value
                .iter()
                .all(|octet| matches!(octet, 33..=60 | 62..=126))
    });
    if !named || !valued {
        return None;
    }
    Some(Parameter {
        keyword: String::from_utf8(keyword.to_ascii_uppercase()).ok()?,
        value: value.map(<[u8]>::to_vec),
    })
}

/// More than all extensions together define.
const LIMIT: usize = 32;
