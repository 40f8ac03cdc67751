//! How to talk to a mail submission server, byte-exact, and judge what it says.
//!
//! A [`case::Case`] is data: a requirement, a script for a [`session::Session`], and the lie
//! that the script must catch. [`run`] asks the cases of a [`target::Target`] and turns what
//! the scripts return into a [`verdict::Verdict`].

pub mod answer;
pub mod authority;
pub mod case;
pub mod certificate;
pub mod error;
pub mod known;
pub mod lie;
pub mod line;
pub mod mechanism;
pub mod message;
pub mod mime;
pub mod next_hop;
pub mod notification;
pub mod promises;
pub mod proxy;
pub mod reply;
pub mod report;
pub mod run;
mod runtime;
pub mod session;
pub mod target;
pub mod tls_probe;
pub mod transcript;
pub mod verdict;
pub mod wire;
