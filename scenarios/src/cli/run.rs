//! `msaspec run`: judges targets one after the other, and reports.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, value_parser};
use msaspec::catalogue::{self, Selection};
use msaspec_harness::{
    error::Error,
    known::Known,
    report::{
        Document, Run, junit,
        terminal::{self, QUIET},
    },
    run::{self, Plan},
    target::{Target, remote::Remote},
};

use super::{
    Failure, announce, columns, known,
    progress::{Bar, Wait},
    reader::Reader,
    remote,
    reports::{Format, Reports},
    signals::Interruption,
    status,
    target::{self, Wanted},
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
    /// The longest wait for one reply [default: 30, and 120 for servers elsewhere]
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u16).range(1..=3600))]
    timeout: Option<u16>,
    /// Show transcripts of what did not pass; -vv of everything
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// Nothing was said on the command line: the next step is suggested.
    #[arg(skip)]
    newcomer: bool,
    #[command(flatten)]
    reports: WantedReports,
    #[command(flatten)]
    remote: remote::Arguments,
}

/// Which reports to write; `-` is the standard output.
#[derive(Debug, Default, Args)]
#[group(id = "reports")]
#[command(next_help_heading = "Reports (\"-\" is standard output)")]
struct WantedReports {
    /// Everything, as one JSON document
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Test results in JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
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
    let (reports, opened) = match arguments.reports.open() {
        Ok(reports) => (reports, Ok(())),
        Err(failure) => (Reports::default(), Err(failure)),
    };
    let mut reader = Reader::beside(&reports);
    let meant = arguments
        .wanted()
        .and_then(|targets| Ok((targets, arguments.order()?)))
        .and_then(|meant| opened.map(|()| meant));
    let (document, status) = match meant {
        Ok((targets, order)) => judge_all(&targets, &order, &arguments, &mut reader)?,
        Err(failure) => {
            failure.tell();
            (arguments.nothing_judged(&failure), status::USAGE)
        }
    };
    let written = reports.write(|format| match format {
        Format::Junit => junit::render(&document, arguments.strict).map_err(|e| e.to_string()),
        _ => document.to_json().map_err(|e| e.to_string()),
    });
    if let Err(failure) = &written {
        failure.tell();
    }
    reader.tell(|out| terminal::write_end(out, &document));
    reader.finish()?;
    Ok(written.map_or(status::USAGE, |()| status))
}

/// What was found about all targets, and the exit status for it.
fn judge_all(
    targets: &[Wanted],
    order: &Order,
    arguments: &Arguments,
    reader: &mut Reader,
) -> Result<(Document, u8), Failure> {
    let interruption = Interruption::listen()?;
    let options = terminal::Options {
        width: columns(),
        verbosity: arguments.verbose,
    };
    let (mut runs, mut statuses) = (Vec::new(), Vec::new());
    for wanted in targets {
        let judged = judge(wanted, order, &interruption, reader);
        statuses.push(status::of(&judged, arguments.strict));
        let run =
            judged.unwrap_or_else(|error| run::unjudged(&wanted.to_string(), &order.plan, &error));
        reader.tell(|out| terminal::write_run(out, &run, options));
        runs.push(run);
    }
    if arguments.newcomer {
        reader.tell(|out| writeln!(out, "{QUIET}{NEXT_STEP}{QUIET:#}\n"));
    }
    let status = interruption.status().unwrap_or(status::of_all(&statuses));
    Ok((Document::new(runs), status))
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

impl WantedReports {
    fn open(&self) -> Result<Reports, Failure> {
        Reports::open(&[
            (Format::Json, self.json.as_deref()),
            (Format::Junit, self.junit.as_deref()),
        ])
    }
}

impl Arguments {
    /// For a command line without any word.
    pub(super) fn of_a_newcomer() -> Arguments {
        Arguments {
            newcomer: true,
            ..Arguments::default()
        }
    }

    /// The targets as they were written.
    fn names(&self) -> Vec<&str> {
        match self.targets.as_slice() {
            // As the default of the argument, for a command line without any word.
            [] => vec!["embedded"],
            targets => targets.iter().map(String::as_str).collect(),
        }
    }

    fn wanted(&self) -> Result<Vec<Wanted>, Failure> {
        let names = self.names().into_iter();
        let targets: Vec<_> = names.map(Wanted::parse).collect::<Result<_, _>>()?;
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

    /// The document about targets of which none was judged, because the command cannot be meant.
    fn nothing_judged(&self, failure: &Failure) -> Document {
        let plan = match Selection::parse(&self.only) {
            Ok(selection) => catalogue::plan(&selection),
            Err(_) => Plan {
                cases: Vec::new(),
                untested: Vec::new(),
            },
        };
        let why = Error::Target(failure.to_string());
        let names = self.names().into_iter().map(target::without_secret);
        let runs = names.map(|name| run::unjudged(&name, &plan, &why));
        Document::new(runs.collect())
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
