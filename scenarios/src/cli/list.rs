//! `msaspec list`: the catalogue, and what is not in it.

use std::io::{self, IsTerminal, Write};

use anstyle::Style;
use clap::Args;
use msaspec::{
    CHAPTERS,
    catalogue::{self, Selection},
};
use msaspec_harness::{
    case::{Case, Mutant, Untested},
    report::terminal::{BOLD, QUIET, wrap},
    run::{Plan, Planned},
};
use serde_json::{Value, json};

use super::{Failure, columns, status};

const PLAIN: Style = Style::new();
const INDENT: usize = 6;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Show only these cases, as for run; repeatable
    #[arg(long, value_name = "WHAT")]
    only: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  msaspec list                                    every case, and what is untested and why
  msaspec list --only chapter:starttls --only severity:security
  msaspec list --only rfc4954 --json

Exit status: 0 done, 2 usage, or a selection that matches nothing.";

pub(super) fn list(arguments: &Arguments) -> Result<u8, Failure> {
    let selection = Selection::parse(&arguments.only).map_err(Failure::Usage)?;
    let plan = catalogue::plan(&selection);
    match arguments.json {
        true => writeln!(io::stdout(), "{:#}", as_json(&plan))?,
        false => table(&mut anstream::stdout(), &plan, width())?,
    }
    Ok(status::AS_EXPECTED)
}

/// What goes elsewhere than to a terminal has a sentence a line, for programs that search in lines.
fn width() -> usize {
    match io::stdout().is_terminal() {
        true => columns().min(100),
        false => usize::MAX,
    }
}

/// A case a paragraph: level, severity and id in one line, and what is required below it.
fn table(out: &mut dyn Write, plan: &Plan, width: usize) -> io::Result<()> {
    for chapter in CHAPTERS {
        let cases = || {
            plan.cases
                .iter()
                .filter(|planned| planned.chapter == chapter.name)
        };
        let untested = || {
            plan.untested
                .iter()
                .filter(|one| belongs(one, chapter.untested))
        };
        if cases().next().is_none() && untested().next().is_none() {
            continue;
        }
        writeln!(out, "{BOLD}{}{BOLD:#}", chapter.name)?;
        for Planned {
            case, contested, ..
        } in cases()
        {
            let Case {
                id,
                level,
                severity,
                requirement,
                ..
            } = case;
            let contested = if *contested { " contested" } else { "" };
            let (level, severity) = (level.to_string(), severity.to_string());
            writeln!(
                out,
                "  {level:<10} {severity:<8} {BOLD}{id}{BOLD:#}{QUIET}{contested}{QUIET:#}"
            )?;
            paragraph(out, width, PLAIN, requirement)?;
            if let Mutant::None(why) = case.mutant {
                let why = format!("no lie proves this case: {why}");
                paragraph(out, width, QUIET, &why)?;
            }
        }
        for Untested {
            id,
            requirement,
            why,
        } in untested()
        {
            writeln!(out, "  {:<19} {BOLD}{id}{BOLD:#}", "untested")?;
            paragraph(out, width, PLAIN, requirement)?;
            paragraph(out, width, QUIET, why)?;
        }
        writeln!(out)?;
    }
    let proved = plan
        .cases
        .iter()
        .filter(|planned| is_proved(planned.case))
        .count();
    let all = plan.cases.len();
    writeln!(
        out,
        "{all} cases, {proved} of them proved by a lie; {} requirements untested",
        plan.untested.len()
    )
}

fn paragraph(out: &mut dyn Write, width: usize, style: Style, text: &str) -> io::Result<()> {
    for line in wrap(text, width.saturating_sub(INDENT)) {
        writeln!(out, "{:INDENT$}{style}{line}{style:#}", "")?;
    }
    Ok(())
}

fn as_json(plan: &Plan) -> Value {
    let cases: Vec<_> = plan.cases.iter().map(case).collect();
    let untested: Vec<_> = plan
        .untested
        .iter()
        .map(
            |Untested {
                 id,
                 requirement,
                 why,
             }| { json!({ "id": id, "requirement": requirement, "why": why }) },
        )
        .collect();
    json!({ "cases": cases, "untested": untested })
}

fn case(planned: &Planned) -> Value {
    let Planned {
        chapter,
        case,
        requirements,
        contested,
        ..
    } = planned;
    let without_mutant = match case.mutant {
        Mutant::None(why) => Some(why),
        _ => None,
    };
    json!({
        "id": case.id,
        "chapter": chapter,
        "requirement": case.requirement,
        "requirements": requirements,
        "level": case.level,
        "severity": case.severity,
        "contested": contested,
        "mutant": without_mutant.is_none(),
        "without_mutant": without_mutant,
    })
}

fn is_proved(case: &Case) -> bool {
    !matches!(case.mutant, Mutant::None(_))
}

fn belongs(one: &Untested, chapter: &[Untested]) -> bool {
    chapter.iter().any(|untested| untested.id == one.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighty_columns_are_enough() {
        let everything = Selection::parse::<&str>(&[]).unwrap();
        let mut out = Vec::new();
        table(&mut out, &catalogue::plan(&everything), 80).unwrap();
        let text = anstream::adapter::strip_bytes(&out).into_vec();
        for line in String::from_utf8(text).unwrap().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
