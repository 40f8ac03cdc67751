//! `msaspec queue`: what the reference server has still to deliver.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use msaspec_harness::report::terminal;
use msaspec_server::spool::{Entry, Queue, RecipientState, SpoolError};

use super::{Failure, spool_folder, status};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The server's spool [default: $XDG_STATE_HOME/msaspec/spool or ~/.local/state/msaspec/spool]
    #[arg(long, value_name = "DIR", global = true)]
    spool: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show every message with its recipients (the default)
    List,
    /// Print one message: its envelope on the standard error, its content on the standard output
    Print {
        /// The queue id
        id: String,
    },
    /// Remove one message for good, delivered or not
    Remove {
        /// The queue id
        id: String,
    },
}

const EXAMPLES: &str = "\
Examples:
  msaspec queue                                   what is in the spool, with its last replies
  msaspec queue --spool /var/spool/msaspec print 0199f0000000-00000000000000aa > message.eml
  msaspec queue remove 0199f0000000-00000000000000aa

It works while the server runs, and after it.

Exit status: 0 done, 2 usage, an unreadable spool, or no message with this id.";

pub(super) fn queue(arguments: &Arguments) -> Result<u8, Failure> {
    let folder = match &arguments.spool {
        Some(folder) => folder.clone(),
        None => spool_folder::default()?,
    };
    let command = arguments.command.as_ref().unwrap_or(&Command::List);
    // Opening a spool would make it.
    let exists = folder.try_exists();
    if !exists.map_err(|e| Failure::Usage(format!("{}: {e}", folder.display())))? {
        return match command {
            _ if arguments.spool.is_some() => Err(Failure::Usage(format!(
                "{}: there is no such folder",
                folder.display()
            ))),
            // Nobody has served from there yet.
            Command::List => nothing(),
            Command::Print { id } | Command::Remove { id } => {
                Err(refuse(SpoolError::NoSuchMessage(id.clone())))
            }
        };
    }
    let spool = Queue::open(&folder).map_err(refuse)?;
    match command {
        Command::List => list(&spool),
        Command::Print { id } => print(&spool, id),
        Command::Remove { id } => {
            spool.remove(id).map_err(refuse)?;
            Ok(status::AS_EXPECTED)
        }
    }
}

fn list(spool: &Queue) -> Result<u8, Failure> {
    let entries = spool.list().map_err(refuse)?;
    let damaged = spool.damaged().map_err(refuse)?;
    if entries.is_empty() && damaged.is_empty() {
        return nothing();
    }
    let mut out = io::stdout().lock();
    for entry in &entries {
        envelope(&mut out, entry)?;
    }
    for id in &damaged {
        writeln!(
            out,
            "{id}  damaged: set aside in the spool, and not delivered"
        )?;
    }
    Ok(status::AS_EXPECTED)
}

fn print(spool: &Queue, id: &str) -> Result<u8, Failure> {
    let message = spool.read(id).map_err(refuse)?;
    envelope(&mut io::stderr(), &message.entry)?;
    let mut out = io::stdout().lock();
    match out.is_terminal() {
        true => out.write_all(harmless(&message.content).as_bytes())?,
        false => out.write_all(&message.content)?,
    }
    Ok(status::AS_EXPECTED)
}

fn envelope(out: &mut dyn Write, entry: &Entry) -> io::Result<()> {
    let Entry {
        id,
        arrival,
        size,
        sender,
        recipients,
        ..
    } = entry;
    writeln!(
        out,
        "{id}  {arrival:.0}  {size} octets  from <{}>",
        harmless(sender.as_bytes())
    )?;
    for recipient in recipients {
        let state = match recipient.state {
            RecipientState::Pending => "pending",
            RecipientState::Delivered => "delivered",
            RecipientState::Failed => "failed",
        };
        let address = harmless(recipient.address.as_bytes());
        write!(
            out,
            "    {state:<9}  <{address}>  {} attempts",
            recipient.attempts
        )?;
        match &recipient.last_reply {
            Some(answer) => writeln!(
                out,
                ", last answer: {}",
                harmless(answer.to_string().as_bytes())
            )?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

fn nothing() -> Result<u8, Failure> {
    writeln!(io::stdout(), "nothing")?;
    Ok(status::AS_EXPECTED)
}

/// Text for a terminal: line ends stay, everything that could command it does not.
fn harmless(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets).replace("\r\n", "\n");
    let lines: Vec<_> = text.split('\n').map(terminal::harmless).collect();
    lines.join("\n")
}

fn refuse(error: SpoolError) -> Failure {
    Failure::Usage(error.to_string())
}
