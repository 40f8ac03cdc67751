//! `msaspec check`: what a sendmail configuration promises and does, and what a change to it has changed.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, value_parser};
use msaspec::{
    catalogue::{self, Selection},
    check::{
        self, Hooks, Order, Outcome, Problem,
        findings::Findings,
        report::{json, markdown, sarif, terminal},
    },
};
use msaspec_harness::{
    error::Error,
    report::{self, Document, Run},
    run::{self, Plan},
};

use super::{
    Failure, columns,
    progress::Wait,
    reader::Reader,
    reports::{Format, Reports},
    signals::Interruption,
    status,
};

mod ending;

/// Sessions at a time.
const JOBS: usize = 8;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration; files beside it (access, virtusertable, included ones …) are taken along
    #[arg(value_name = "SITE.mc")]
    site: PathBuf,
    /// Write what is so to SITE.expect/, and compare with it from now on
    #[arg(long)]
    accept: bool,
    /// Compare with this configuration instead of what was accepted
    #[arg(long, value_name = "OLD.mc", conflicts_with = "accept")]
    against: Option<PathBuf>,
    /// Find the changed lines that make a difference to this configuration
    #[arg(long, value_name = "OLD.mc", conflicts_with_all = ["accept", "against"])]
    bisect: Option<PathBuf>,
    /// The difference to look for, by words of its sentence [default: the most important one]
    #[arg(long, value_name = "WHAT", requires = "bisect")]
    difference: Option<String>,
    /// A kernel parameter that your machine has, such as net.ipv6.bindv6only=0; repeatable
    /// [default: net.ipv6.bindv6only=1]
    #[arg(long, value_name = "NAME=VALUE", value_parser = sysctl)]
    sysctl: Vec<(String, String)>,
    /// How long the cases may take; what does not fit is listed, not run
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u16).range(0..=3600))]
    budget: u16,
    /// Explain every promise, and show the run; -vv with transcripts
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    reports: WantedReports,
}

/// Which reports to write; `-` is the standard output.
#[derive(Debug, Args)]
#[group(id = "check-reports")]
#[command(next_help_heading = "Reports (\"-\" is standard output)")]
struct WantedReports {
    /// Everything, as one JSON document
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// A comment for a pull request
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Findings at lines of the .mc, in SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  msaspec check sendmail.mc                  faults, and what is promised and done on the wire
  msaspec check sendmail.mc --accept         this is what is expected from now on
  msaspec check sendmail.mc                  after an edit: what it has changed for users
  msaspec check new.mc --against old.mc      the same without anything accepted
  msaspec check new.mc --bisect old.mc --difference \"offers LOGIN\"
  msaspec check sendmail.mc --markdown comment.md --sarif check.sarif

The configuration is built by m4 and started by sendmail in a container without any outside
network. The folder of SITE.mc is only read, unless --accept is given.

Exit status: 0 nothing differs, or nothing was accepted yet and no fault was seen; 1 a difference,
or a fault; 2 usage, an unreadable file, or an error of m4 or sendmail; 3 a server that could not
be judged.";

/// What there is to report.
struct Checked {
    findings: Option<Findings>,
    run: Run,
    status: u8,
}

/// Checks, and returns the exit status.
pub(super) fn check(arguments: &Arguments) -> Result<u8, Failure> {
    let (reports, opened) = match arguments.reports.open() {
        Ok(reports) => (reports, Ok(())),
        Err(failure) => (Reports::default(), Err(failure)),
    };
    let mut reader = Reader::beside(&reports);
    let checked = match opened {
        Ok(()) => arguments.carry_out()?,
        Err(failure) => arguments.refused(&failure),
    };
    let written = reports.write(|format| checked.render(format));
    if let Err(failure) = &written {
        failure.tell();
    }
    reader.tell(|out| checked.tell(out, arguments));
    reader.finish()?;
    Ok(written.map_or(status::USAGE, |()| checked.status))
}

impl Arguments {
    fn carry_out(&self) -> Result<Checked, Failure> {
        let interruption = Interruption::listen()?;
        let shared = interruption.shared(true);
        let outcome = {
            let wait = Wait::new();
            let hooks = Hooks {
                shared: &shared,
                progress: &|what| wait.is_for(what),
            };
            check::check(&self.order(), &hooks)
        };
        let checked = match outcome {
            Ok(outcome) => self.found(outcome),
            Err(Problem::Usage(why)) => self.refused(&Failure::Usage(why)),
            Err(Problem::Target(error @ Error::File { .. })) => {
                self.refused(&Failure::Usage(error.to_string()))
            }
            Err(Problem::Target(error)) => self.unjudged(&error),
        };
        let status = interruption.status().unwrap_or(checked.status);
        Ok(Checked { status, ..checked })
    }

    fn order(&self) -> Order {
        Order {
            site: self.site.clone(),
            accept: self.accept,
            against: self.against.clone(),
            bisect: self.bisect.clone(),
            difference: self.difference.clone(),
            sysctls: self.sysctl.clone(),
            budget: Duration::from_secs(self.budget.into()),
            jobs: JOBS,
        }
    }

    fn found(&self, outcome: Outcome) -> Checked {
        Checked {
            status: ending::of(&outcome, self.accept),
            findings: Some(outcome.findings),
            run: outcome.run,
        }
    }

    /// What cannot be meant, said to whoever gave the command.
    fn refused(&self, failure: &Failure) -> Checked {
        failure.tell();
        Checked {
            status: status::USAGE,
            ..self.unjudged(&Error::Target(failure.to_string()))
        }
    }

    fn unjudged(&self, error: &Error) -> Checked {
        let nothing = || Plan {
            cases: Vec::new(),
            untested: Vec::new(),
        };
        let everything: &[&str] = &[];
        let plan = Selection::parse(everything).map_or_else(|_| nothing(), |s| catalogue::plan(&s));
        Checked {
            findings: None,
            run: run::unjudged(&self.site.to_string_lossy(), &plan, error),
            status: status::NOT_JUDGED,
        }
    }
}

impl WantedReports {
    fn open(&self) -> Result<Reports, Failure> {
        Reports::open(&[
            (Format::Json, self.json.as_deref()),
            (Format::Markdown, self.markdown.as_deref()),
            (Format::Sarif, self.sarif.as_deref()),
        ])
    }
}

impl Checked {
    fn render(&self, format: Format) -> Result<String, String> {
        let findings = self.findings.as_ref();
        let document = match format {
            Format::Markdown => return Ok(markdown::render(findings, &self.run)),
            Format::Sarif => sarif::render(findings, &self.run),
            Format::Json | Format::Junit => json::render(findings, &self.run),
        };
        document.map_err(|error| error.to_string())
    }

    fn tell(&self, out: &mut dyn std::io::Write, arguments: &Arguments) -> std::io::Result<()> {
        let (width, verbosity) = (columns(), arguments.verbose);
        let Some(findings) = &self.findings else {
            // What was refused was said already.
            if self.status != status::USAGE {
                let options = report::terminal::Options { width, verbosity };
                report::terminal::write_run(out, &self.run, options)?;
            }
            return report::terminal::write_end(out, &Document::new(vec![self.run.clone()]));
        };
        let options = terminal::Options {
            width,
            verbosity,
            accepted: arguments.accept,
        };
        terminal::write(out, findings, &self.run, options)
    }
}

/// Only parameters of the network belong to a container alone.
fn sysctl(text: &str) -> Result<(String, String), String> {
    let fits = |word: &str, others: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    match text.split_once('=') {
        Some((name, value))
            if name.starts_with("net.") && fits(name, "._-") && fits(value, " -") =>
        {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(
            "write a parameter of the network and its value, such as net.ipv6.bindv6only=0"
                .to_owned(),
        ),
    }
}
