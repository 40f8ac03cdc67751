//! One thing that is supplied: in words for the report, and as a line for the container.

use std::fmt;

use super::SITE;

/// One thing that the site has and the container has not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Supply {
    /// A folder.
    Folder(String),
    /// A folder for messages that wait, which nobody but root may read.
    Queue(String),
    /// A file of names.
    File {
        /// Its path.
        path: String,
        /// The file of the site that it is copied from; none: it is empty.
        text: Option<String>,
    },
    /// A certificate of the harness's authority.
    Certificate(String),
    /// The certificate's private key.
    Key(String),
    /// The certificate of the harness's authority.
    Authority(String),
    /// A folder with the certificate of the harness's authority.
    AuthorityFolder(String),
    /// A map.
    Map {
        /// How it is stored, such as `hash`.
        class: String,
        /// Its path as the `.cf` has it, without the ending that its class adds.
        path: String,
        /// The file of the site that it is made from; none: it is empty.
        text: Option<String>,
    },
    /// A file of aliases, from which sendmail makes the map itself.
    Aliases {
        /// Its path.
        path: String,
        /// The file of the site that it is copied from; none: postmaster alone stands in it.
        text: Option<String>,
    },
    /// A user of the machine, with his group after a colon.
    User(String),
    /// A program that a mailer runs and that the image does not have; it takes every message.
    Mailer {
        /// The name of the mailer.
        name: String,
        /// The program.
        path: String,
        /// The mailer's flags: `z` among them says that it speaks LMTP.
        flags: String,
    },
    /// A port other than 25 that the next hop has to answer.
    Port(u16),
    /// A zone with a list of senders, in which no name may exist.
    NoSuchZone(String),
    /// Not supplied.
    Refused {
        /// What it is.
        what: String,
        /// The path.
        path: String,
        /// Why not.
        why: String,
    },
}

impl Supply {
    /// The line that tells the container what to make: kind and arguments with tabs between them.
    ///
    /// None where the container has nothing to do.
    pub fn line(&self) -> Option<String> {
        let text;
        let fields = match self {
            Supply::Folder(path) => vec!["folder", path],
            Supply::Queue(path) => vec!["folder", path, "queue"],
            Supply::File {
                path,
                text: Some(name),
            } => {
                text = format!("{SITE}{name}");
                vec!["file", path, &text]
            }
            Supply::File { path, text: None } => vec!["file", path],
            Supply::Certificate(path) => vec!["certificate", path],
            Supply::Key(path) => vec!["key", path],
            Supply::Authority(path) => vec!["authority", path],
            Supply::AuthorityFolder(path) => vec!["authority-folder", path],
            Supply::Map {
                class,
                path,
                text: Some(name),
            } => {
                text = format!("{SITE}{name}");
                vec!["map", class, path, &text]
            }
            Supply::Map {
                class,
                path,
                text: None,
            } => vec!["map", class, path],
            Supply::Aliases {
                path,
                text: Some(name),
            } => {
                text = format!("{SITE}{name}");
                vec!["map", "aliases", path, &text]
            }
            Supply::Aliases { path, text: None } => vec!["map", "aliases", path],
            Supply::User(name) => vec!["user", name],
            Supply::Mailer { name, path, flags } => vec!["mailer", name, path, flags],
            Supply::Port(_) | Supply::NoSuchZone(_) | Supply::Refused { .. } => return None,
        };
        Some(fields.join("	"))
    }
}

impl fmt::Display for Supply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Supply::Folder(path) => write!(f, "folder {path}"),
            Supply::Queue(path) => write!(f, "queue folder {path}"),
            Supply::File { path, text } => match text {
                Some(text) => write!(f, "file {path}, copied from {text}"),
                None => write!(f, "empty file {path}"),
            },
            Supply::Certificate(path) => write!(f, "certificate at {path}"),
            Supply::Key(path) => write!(f, "private key at {path}"),
            Supply::Authority(path) => write!(f, "authority's certificate at {path}"),
            Supply::AuthorityFolder(path) => write!(f, "authorities' folder {path}"),
            Supply::Map { path, text, .. } => match text {
                Some(text) => write!(f, "map {path}, made from {text}"),
                None => write!(f, "empty map {path}"),
            },
            Supply::Aliases { path, text } => match text {
                Some(text) => write!(f, "aliases at {path}, copied from {text}"),
                None => write!(f, "aliases at {path}, postmaster alone"),
            },
            Supply::User(name) => write!(f, "user {name}"),
            Supply::Mailer { name, path, .. } => {
                write!(f, "program {path} of mailer {name}")?;
                let program = path.rsplit('/').next().unwrap_or_default();
                match HERE.contains(&program) {
                    true => Ok(()),
                    false => write!(f, ", which takes every message"),
                }
            }
            Supply::Port(port) => write!(f, "next hop on port {port}"),
            Supply::NoSuchZone(zone) => write!(f, "zone {zone}, in which no name exists"),
            Supply::Refused { what, path, why } => {
                write!(
                    f,
                    "not supplied: {what} \"{}\": {why}",
                    path.escape_default()
                )
            }
        }
    }
}

/// Programs that the image has, in another folder perhaps.
const HERE: [&str; 4] = ["procmail", "mail.local", "smrsh", "sensible-mda"];
