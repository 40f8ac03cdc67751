//! Replies: code, enhanced code and text, written so that they are always well formed.

use std::fmt;

/// One reply (RFC 5321, section 4.2; enhanced codes RFC 2034).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    code: u16,
    enhanced: Option<&'static str>,
    lines: Vec<String>,
}

/// A reply of one line with an enhanced code.
pub(crate) fn reply(code: u16, enhanced: &'static str, text: impl Into<String>) -> Reply {
    Reply {
        code,
        enhanced: Some(enhanced),
        lines: vec![text.into()],
    }
}

impl Reply {
    /// A reply without an enhanced code: the greeting, EHLO, HELO and 3xx (RFC 2034, section 4).
    pub(crate) fn plain(code: u16, lines: Vec<String>) -> Reply {
        Reply {
            code,
            enhanced: None,
            lines,
        }
    }

    pub(crate) fn code(&self) -> u16 {
        self.code
    }
}

impl fmt::Display for Reply {
    /// All lines with their CRLF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, line) in self.lines.iter().enumerate() {
            let separator = if position + 1 == self.lines.len() {
                ' '
            } else {
                '-'
            };
            write!(f, "{}{separator}", self.code)?;
            if let Some(enhanced) = self.enhanced {
                write!(f, "{enhanced} ")?;
            }
            write!(f, "{line}\r\n")?;
        }
        Ok(())
    }
}
