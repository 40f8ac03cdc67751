//! The reference mail submission server: strict on the wire, and durable before it answers 250.
//!
//! [`Server::start`] opens the listeners of a [`Config`] and serves them until [`Server::shutdown`]
//! or the drop of the value. Mail that was accepted lies in its [`spool`] until the next hop
//! has taken it. The server holds no faults on purpose: it is the truthful side of every test.
//!
//! Tests of other programs start it by [`Server::builder`], inside tokio or without, and wait for
//! mail with [`Messages`]. Its deadlines follow tokio's clock: where a test pauses that, they pass
//! whenever no task has work, and sessions end with 421.
//!
//! ```
//! # async fn example(spool: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! use msaspec_server::{Config, Server};
//!
//! let mut config = Config::modern("msa.example.org", spool);
//! config.listeners = vec!["127.0.0.1:0,M=Ea".parse()?, "[::1]:0/tls".parse()?];
//! config.users.insert("alice".to_owned(), "secret".to_owned());
//! let server = Server::start(config).await?;
//! for listener in server.listeners() {
//!     println!("{} {}", listener.name, listener.address);
//! }
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod auth;
pub mod blocking;
mod builder;
mod command;
mod config;
mod data;
mod descriptors;
mod dns;
mod extension;
#[cfg(fuzzing)]
pub mod fuzzing;
mod limits;
mod listener;
mod messages;
mod mime;
mod modifiers;
mod names;
mod near;
mod policy;
mod relay;
mod reply;
mod report;
mod rewrite;
mod senders;
mod server;
mod session;
pub mod spool;
mod tls;
mod trace;
mod wire;

pub use auth::{Account, AccountError, Mechanism};
pub use builder::Builder;
pub use config::{Config, ConfigError, Delivery, HopDeadlines, HopTls, Limits};
pub use listener::{Bound, ListenerConfig, ListenerSyntax};
pub use messages::{Messages, NotReceived, Received};
pub use modifiers::{Modifiers, UnknownModifier};
#[doc(hidden)]
pub use near::did_you_mean;
pub use policy::{FixUps, Refusals, UnknownWord};
pub use server::{Server, StartError};
