//! Messages that a case sends, and messages as they reached the next hop.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};

use crate::error::Error;

/// A message to be sent: it can be told from every other by its token.
#[derive(Clone, Debug)]
pub struct Message {
    /// What makes the message unique.
    pub token: String,
    /// The envelope sender, without angle brackets.
    pub sender: String,
    /// The envelope recipient, without angle brackets.
    pub recipient: String,
    header: String,
}

impl Message {
    /// A message with the subject `msaspec SUBJECT`.
    pub fn new(subject: &str, sender: &str, recipient: &str, token: String) -> Message {
        let date = Timestamp::now()
            .to_zoned(TimeZone::UTC)
            .strftime("%a, %d %b %Y %H:%M:%S +0000");
        let header = format!(
            "From: <{sender}>\r\nTo: <{recipient}>\r\nDate: {date}\r\n\
             Message-ID: <{token}@client.example>\r\nSubject: msaspec {subject}\r\n"
        );
        Message {
            token,
            sender: sender.to_owned(),
            recipient: recipient.to_owned(),
            header,
        }
    }

    /// The header section, without the empty line that ends it.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// Header, empty line and this body, which is not stuffed and not ended here.
    pub fn with_body(&self, body: &str) -> String {
        format!("{}\r\n{body}", self.header)
    }
}

/// Draws a token: 96 random bits in a form that fits a local part and a Message-ID.
///
/// # Errors
/// [`Error::Random`].
pub fn token() -> Result<String, Error> {
    let mut octets = [0; 12];
    getrandom::fill(&mut octets).map_err(Error::Random)?;
    Ok(octets
        .iter()
        .fold("msaspec-".to_owned(), |mut token, octet| {
            let _ = write!(token, "{octet:02x}");
            token
        }))
}

/// A message as it reached the next hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The argument of EHLO or HELO.
    pub helo: String,
    /// The argument of MAIL, path and parameters.
    pub mail: String,
    /// The arguments of RCPT, path and parameters.
    pub recipients: Vec<String>,
    /// The content, with the dots removed that transparency adds (RFC 5321 section 4.5.2).
    pub content: Vec<u8>,
}

impl Delivered {
    /// The header fields in order: name, and the value with its folding.
    pub fn fields(&self) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in self
            .header_and_body()
            .0
            .split_inclusive(|&octet| octet == b'\n')
        {
            let line = String::from_utf8_lossy(line);
            let text = line.trim_end_matches(['\r', '\n']);
            match (fields.last_mut(), text.split_once(':')) {
                (Some(last), _) if text.starts_with([' ', '\t']) => {
                    last.1.push_str("\r\n");
                    last.1.push_str(text);
                }
                (_, Some((name, value))) => fields.push((name.to_owned(), value.to_owned())),
                _ => {}
            }
        }
        fields
    }

    /// The names of the header fields, in order.
    pub fn header_names(&self) -> Vec<String> {
        self.fields().into_iter().map(|field| field.0).collect()
    }

    /// The values of all fields with this name, unfolded, in order.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.fields()
            .into_iter()
            .filter(|field| field.0.eq_ignore_ascii_case(name))
            .map(|field| field.1.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    /// Whether the content or a recipient has this token.
    pub fn mentions(&self, token: &str) -> bool {
        let there = |octets: &[u8]| octets == token.as_bytes();
        self.content.windows(token.len().max(1)).any(there) || self.is_for(token)
    }

    /// Whether an address of the recipients has this text, in any case of letters.
    pub fn is_for(&self, address: &str) -> bool {
        let address = address.to_ascii_lowercase();
        let mut recipients = self.recipients.iter();
        recipients.any(|recipient| recipient.to_ascii_lowercase().contains(&address))
    }

    /// Whether it has the null reverse-path (RFC 5321 section 4.5.5).
    pub fn is_from_nobody(&self) -> bool {
        crate::next_hop::is_null_path(&self.mail)
    }

    /// Whether it is not the message with this token but tells of it: it comes from nobody (RFC 5321
    /// section 4.5.5) or is a multipart/report, and goes to somebody else.
    pub fn is_notification(&self, token: &str) -> bool {
        let is_report = || {
            let types = self.all("Content-Type");
            let mut types = types.iter().map(|value| value.to_ascii_lowercase());
            types.any(|value| value.starts_with("multipart/report"))
        };
        !self.is_for(token) && (self.is_from_nobody() || is_report())
    }

    /// The octets behind the empty line.
    pub fn body(&self) -> &[u8] {
        self.header_and_body().1
    }

    fn header_and_body(&self) -> (&[u8], &[u8]) {
        match self.content.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(at) => (&self.content[..at + 2], &self.content[at + 4..]),
            None => (&self.content, b""),
        }
    }
}

/// The clauses of a Received field (RFC 5321 section 4.4) that say who, where and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// FROM: what the client called itself.
    pub from: Option<String>,
    /// BY: the server's name.
    pub by: Option<String>,
    /// WITH: the protocol.
    pub with: Option<String>,
    /// ID: the server's own.
    pub id: Option<String>,
    /// FOR: a recipient.
    pub for_: Option<String>,
}

impl Received {
    /// Reads the clauses of an unfolded field; comments are passed over.
    pub fn parse(value: &str) -> Received {
        let mut clauses = Received::default();
        let without_comments = without_comments(value);
        let clause_part = without_comments.split(';').next().unwrap_or_default();
        let mut words = clause_part.split_whitespace();
        while let Some(word) = words.next() {
            let clause = match word.to_ascii_lowercase().as_str() {
                "from" => &mut clauses.from,
                "by" => &mut clauses.by,
                "with" => &mut clauses.with,
                "id" => &mut clauses.id,
                "for" => &mut clauses.for_,
                _ => continue,
            };
            if clause.is_none() {
                *clause = words.next().map(str::to_owned);
            }
        }
        clauses
    }
}

fn without_comments(value: &str) -> String {
    let mut depth = 0usize;
    let mut kept = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '\\' if depth > 0 => {
                characters.next();
            }
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_received_field_is_read_by_its_clauses() {
        let received = Received::parse(
            "from client.example ([192.0.2.1] (may be \\) forged)) (authenticated bits=0) by mx.example \
             (8.17/8.17) with ESMTPSA id 4AOB (version=TLSv1.3) for <a@b.example>; Tue, 24 Nov 2026",
        );
        assert_eq!(received.from.as_deref(), Some("client.example"));
        assert_eq!(received.by.as_deref(), Some("mx.example"));
        assert_eq!(received.with.as_deref(), Some("ESMTPSA"));
        assert_eq!(received.id.as_deref(), Some("4AOB"));
        assert_eq!(received.for_.as_deref(), Some("<a@b.example>"));
    }

    #[test]
    fn fields_keep_their_order_and_folding() {
        let delivered = Delivered {
            helo: String::new(),
            mail: String::new(),
            recipients: vec![],
            content: b"Received: from a\r\n\tby b\r\nSubject: x\r\n\r\nbody\r\n".to_vec(),
        };
        assert_eq!(delivered.fields()[0].0, "Received");
        assert_eq!(delivered.all("received"), ["from a by b"]);
        assert_eq!(delivered.body(), b"body\r\n");
    }

    #[test]
    fn tokens_differ() {
        assert_ne!(token().unwrap(), token().unwrap());
    }
}
