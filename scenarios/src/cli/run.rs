//! `msaspec run`: judges targets one after the other, and reports.

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use clap::{ArgAction, Args, value_parser};
use msaspec::catalogue::{self, Selection};
use msaspec_harness::{
    error::Error,
    known::Known,
    report::{
        Document, Run,
        terminal::{self, QUIET},
    },
    run::{self, Plan},
    target::{Target, remote::Remote},
};

use super::{
    Failure, announce, columns, known,
    progress::{Bar, Wait},
    remote, reports,
    signals::Interruption,
    status,
    target::Wanted,
};

#[derive(Debug, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// embedded, embedded-origin, a name under fixtures/, ./FOLDER, smtp://HOST[:PORT], smtps://HOST[:PORT]
    #[arg(value_name = "TARGET", default_value = "embedded")]
    targets: Vec<String>,
    /// Ask only these cases: the beginning of an id (whole components), chapter:…, level:… or
    /// severity:…; repeatable
    #[arg(long, value_name = "WHAT")]
    only: Vec<String>,
    /// Known deviations of every target (TOML: id = "reason", or id = { reason, verdict, observed }),
    /// instead of those that come with it; an empty file means that none is known
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// An unknown warning counts like an unknown failure
    #[arg(long)]
    strict: bool,
    /// Sessions at a time [default: 8, and 2 for servers elsewhere]
    #[arg(long, value_name = "N", value_parser = value_parser!(u8).range(1..=64))]
    jobs: Option<u8>,
    /// The longest wait for one reply [default: 10, and 30 for servers elsewhere]
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u16).range(1..=3600))]
    timeout: Option<u16>,
    /// Show transcripts of what did not pass; -vv of everything
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// Nothing was said on the command line: the next step is suggested.
    #[arg(skip)]
    newcomer: bool,
    #[command(flatten)]
    reports: reports::Arguments,
    #[command(flatten)]
    remote: remote::Arguments,
}

const EXAMPLES: &str = "\
Examples:
  msaspec run                                     the reference server, in this process
  msaspec run smtp://mail.example.org smtps://mail.example.org
  msaspec run smtp://127.0.0.1:2525 --user alice --password-file secret.txt --ca ca.pem --untrusted
  msaspec run embedded --only rfc4954 --only severity:security --json run.json
  msaspec run smtp://mail.example.org --known known.toml --strict --junit -

Exit status: 0 everything as expected, 1 a deviation that is not known, or a known one that passes now,
2 usage or an unreadable file, 3 a target that could not be judged.";

const NEXT_STEP: &str = "\
This was the reference server, in this process. To judge another one:
  msaspec run smtp://HOST --user NAME --password-file FILE
  msaspec --help";

/// What holds for all targets of a run.
struct Order {
    plan: Plan,
    known: Option<Known>,
    remote: Remote,
    jobs: Option<u8>,
    timeout: Option<u16>,
}

/// Judges, and returns the exit status.
pub(super) fn run(arguments: Arguments) -> Result<u8, Failure> {
    let targets = arguments.wanted()?;
    let order = arguments.order()?;
    let reports = arguments.reports.open()?;
    let interruption = Interruption::listen()?;
    let mut reader = Reader {
        out: match reports.take_standard_output() {
            true => Box::new(anstream::stderr()),
            false => Box::new(anstream::stdout()),
        },
        error: None,
    };
    let options = terminal::Options {
        width: columns(),
        verbosity: arguments.verbose,
    };
    let (mut runs, mut statuses) = (Vec::new(), Vec::new());
    for wanted in &targets {
        let judged = judge(wanted, &order, &interruption, &mut reader);
        statuses.push(status::of(&judged, arguments.strict));
        let run =
            judged.unwrap_or_else(|error| run::unjudged(&wanted.to_string(), &order.plan, &error));
        reader.tell(|out| terminal::write_run(out, &run, options));
        runs.push(run);
    }
    let document = Document::new(runs);
    if arguments.newcomer {
        reader.tell(|out| writeln!(out, "{QUIET}{NEXT_STEP}{QUIET:#}\n"));
    }
    let written = reports.write(&document, arguments.strict);
    reader.tell(|out| terminal::write_end(out, &document));
    written.and(reader.finish())?;
    Ok(interruption.status().unwrap_or(status::of_all(&statuses)))
}

fn judge(
    wanted: &Wanted,
    order: &Order,
    interruption: &Interruption,
    reader: &mut Reader,
) -> Result<Run, Error> {
    let shared = interruption.shared(wanted.has_containers());
    if shared.interrupted() {
        return Err(Error::Interrupted);
    }
    let mut target = {
        let wait = Wait::new();
        wanted.start(&order.remote, &shared, &|what| wait.is_for(what))?
    };
    order.adapt(&mut target);
    if wanted.is_remote() {
        let announcement = announce::announcement(&target, &order.plan);
        reader.tell(|out| writeln!(out, "{announcement}\n"));
    }
    let bar = Bar::new(&target, &order.plan);
    run::run(&target, &order.plan, order.jobs(&target), &shared, &bar)
}

impl Arguments {
    /// For a command line without any word.
    pub(super) fn of_a_newcomer() -> Arguments {
        Arguments {
            newcomer: true,
            ..Arguments::default()
        }
    }

    fn wanted(&self) -> Result<Vec<Wanted>, Failure> {
        let targets = match self.targets.as_slice() {
            // As the default of the argument, for a command line without any word.
            [] => &["embedded".to_owned()],
            targets => targets,
        };
        let targets: Vec<_> = targets
            .iter()
            .map(|text| Wanted::parse(text))
            .collect::<Result<_, _>>()?;
        if let Some(option) = self.remote.without_use()
            && !targets.iter().any(Wanted::is_remote)
        {
            return Err(Failure::Usage(format!(
                "{option} is about smtp:// and smtps:// targets, and none is given"
            )));
        }
        Ok(targets)
    }

    fn order(&self) -> Result<Order, Failure> {
        let selection = Selection::parse(&self.only).map_err(Failure::Usage)?;
        Ok(Order {
            plan: catalogue::plan(&selection),
            known: self.known.as_deref().map(known::read).transpose()?,
            remote: self.remote.read()?,
            jobs: self.jobs,
            timeout: self.timeout,
        })
    }
}

impl Order {
    fn adapt(&self, target: &mut Target) {
        if let Some(known) = &self.known {
            target.known = known.clone();
        }
        if let Some(seconds) = self.timeout {
            target.treatment.timeout = Duration::from_secs(seconds.into());
        }
    }

    fn jobs(&self, target: &Target) -> usize {
        let ours = target.image.is_some()
            || target
                .listeners
                .iter()
                .all(|listener| listener.address.ip().is_loopback());
        self.jobs.map_or(if ours { 8 } else { 2 }, usize::from)
    }
}

/// Whoever reads the report. That he stops reading ends neither the run nor the other reports.
struct Reader {
    out: Box<dyn Write>,
    error: Option<io::Error>,
}

impl Reader {
    fn tell(&mut self, text: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.error.is_none() {
            self.error = text(&mut *self.out).and_then(|()| self.out.flush()).err();
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self.error {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }
}
