//! Mail programs that people use, and mail servers as clients, submit to our server inside TLS and after a login.

// What else a stage can do is the matter of the other programs.
#[allow(dead_code)]
mod stage;
mod clients {
    pub(crate) mod mail_servers;
    pub(crate) mod programs;
    pub(crate) mod server;
    pub(crate) mod submission;
}

use clients::{mail_servers, programs, server::Server};
use libtest_mimic::{Arguments, Failed};

fn main() -> Result<(), Failed> {
    let arguments = Arguments::from_args();
    stage::end_on_signals()?;
    let shared = Server::new()?;
    // One that is shut down meanwhile is of no use to the others.
    let alone = Server::new()?;
    let mut trials = programs::trials(&shared);
    trials.extend(mail_servers::trials(&shared, &alone));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Containers go before the process does.
    drop((shared, alone));
    conclusion.exit();
}
