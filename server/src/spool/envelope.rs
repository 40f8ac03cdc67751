//! What the client asked for besides sender and recipients: the parameters of MAIL and RCPT.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Entry, Recipient};

/// What MAIL asked for, and what its listener permits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MailOptions {
    /// BODY (RFC 6152, section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// SMTPUTF8 (RFC 6531, section 3.4).
    #[serde(skip_serializing_if = "is_false")]
    pub smtputf8: bool,
    /// REQUIRETLS (RFC 8689, section 2).
    #[serde(skip_serializing_if = "is_false")]
    pub requiretls: bool,
    /// RET (RFC 3461, section 4.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ret: Option<Ret>,
    /// ENVID as the client wrote it, in xtext (RFC 3461, section 4.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envid: Option<String>,
    /// Whether octets above 127 are encoded for a hop without 8BITMIME: the listener's
    /// `transfer-encoding` (RFC 6409, section 8.4), set only where there are such octets. Mail of
    /// earlier versions comes back from such a hop, as it would have then.
    #[serde(skip_serializing_if = "is_false")]
    pub transfer_encoding: bool,
}

/// What the content is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Body {
    /// Octets up to 127 only.
    #[serde(rename = "7BIT")]
    SevenBit,
    /// Any octets, in lines.
    #[serde(rename = "8BITMIME")]
    EightBitMime,
}

/// How much of the message a report of failure gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Ret {
    /// The whole message.
    Full,
    /// Its header fields.
    Hdrs,
}

/// When the sender wants a report about a recipient (RFC 3461, section 4.1). Nothing is NEVER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// SUCCESS
    pub success: bool,
    /// FAILURE
    pub failure: bool,
    /// DELAY
    pub delay: bool,
}

/// A recipient as RCPT named it. Spools of earlier versions hold its address alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub(crate) struct Addressee {
    /// The forward-path's mailbox.
    pub(crate) address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notify: Option<Notify>,
    /// ORCPT as the client wrote it, `TYPE;XTEXT` (RFC 3461, section 4.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) orcpt: Option<String>,
}

impl Addressee {
    /// Octets of memory.
    pub(crate) fn octets(&self) -> usize {
        let orcpt = self.orcpt.as_ref().map_or(0, String::capacity);
        size_of::<Addressee>() + self.address.capacity() + orcpt
    }
}

impl From<String> for Addressee {
    /// A recipient without parameters.
    fn from(address: String) -> Self {
        Addressee {
            address,
            notify: None,
            orcpt: None,
        }
    }
}

/// What a message was sent with: the first line of its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope {
    pub(crate) arrival: Timestamp,
    pub(crate) size: u64,
    pub(crate) sender: String,
    #[serde(default)]
    pub(crate) options: MailOptions,
    pub(crate) recipients: Vec<Addressee>,
}

impl Envelope {
    /// What is told about the message that it belongs to.
    pub(super) fn entry(&self, id: &str, recipients: Vec<Recipient>) -> Entry {
        Entry {
            id: id.to_owned(),
            arrival: self.arrival,
            size: self.size,
            sender: self.sender.clone(),
            options: self.options.clone(),
            recipients,
        }
    }

    /// The progress written by an earlier attempt; it has to be about the same recipients.
    pub(super) fn progress(&self, json: &[u8]) -> Result<Vec<Recipient>, String> {
        let progress: Vec<Recipient> =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let same = progress
            .iter()
            .map(|recipient| &recipient.address)
            .eq(self.recipients.iter().map(|addressee| &addressee.address));
        if same {
            Ok(progress)
        } else {
            Err("its recipients are not those of the message".to_owned())
        }
    }

    pub(super) fn untried(&self) -> Vec<Recipient> {
        self.recipients.iter().map(Recipient::untried).collect()
    }
}

impl fmt::Display for Notify {
    /// The value of NOTIFY.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked: Vec<_> = [
            (self.success, "SUCCESS"),
            (self.failure, "FAILURE"),
            (self.delay, "DELAY"),
        ]
        .into_iter()
        .filter_map(|(asked, name)| asked.then_some(name))
        .collect();
        match asked.is_empty() {
            true => f.write_str("NEVER"),
            false => f.write_str(&asked.join(",")),
        }
    }
}

impl Ret {
    /// The value of RET.
    pub fn name(self) -> &'static str {
        match self {
            Ret::Full => "FULL",
            Ret::Hdrs => "HDRS",
        }
    }
}

impl Body {
    /// The value of BODY.
    pub fn name(self) -> &'static str {
        match self {
            Body::SevenBit => "7BIT",
            Body::EightBitMime => "8BITMIME",
        }
    }
}

/// The two forms of an [`Addressee`].
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Written {
    Address(String),
    Whole {
        address: String,
        notify: Option<Notify>,
        orcpt: Option<String>,
    },
}

impl From<Written> for Addressee {
    fn from(written: Written) -> Self {
        match written {
            Written::Address(address) => address.into(),
            Written::Whole {
                address,
                notify,
                orcpt,
            } => Addressee {
                address,
                notify,
                orcpt,
            },
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#""a@b.example""#, None, None)]
    #[case(r#"{"address":"a@b.example"}"#, None, None)]
    #[case(
        r#"{"address":"a@b.example","notify":{"success":true},"orcpt":"rfc822;a+2B@b.example"}"#,
        Some("SUCCESS"),
        Some("rfc822;a+2B@b.example")
    )]
    #[case(r#"{"address":"a@b.example","notify":{}}"#, Some("NEVER"), None)]
    fn both_forms_of_a_recipient_are_read(
        #[case] json: &str,
        #[case] notify: Option<&str>,
        #[case] orcpt: Option<&str>,
    ) {
        let read: Addressee = serde_json::from_str(json).unwrap();
        assert_eq!(read.address, "a@b.example");
        assert_eq!(
            read.notify.map(|notify| notify.to_string()).as_deref(),
            notify
        );
        assert_eq!(read.orcpt.as_deref(), orcpt);
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Addressee>(&written).unwrap(), read);
    }
}
