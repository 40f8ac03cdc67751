//! How an edit is tried: on a copy of the site, against what was accepted of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use libtest_mimic::{Completion, Failed, Trial};
use msaspec::check::{
    Hooks, Order, Outcome, Problem, check,
    findings::Findings,
    report::terminal::{self, Options},
};
use msaspec_harness::session::Shared;
use tempfile::TempDir;

use super::row::{Edit, Row};

/// A row as a trial.
pub(super) fn trial(row: Row) -> Trial {
    let name = format!("edit::{}", row.name);
    crate::trial(&name, 1, move || {
        tried(&row)
            .map(|()| Completion::Completed)
            .map_err(Failed::from)
    })
}

fn tried(row: &Row) -> Result<(), String> {
    let budget = Duration::from_secs(row.budget);
    let (site, file) = row.site();
    let folder = copy(site)?;
    let mc = folder.path().join(format!("{site}.mc"));
    if row.refused.is_none() {
        let accepted = accepted(site, budget)?;
        copy_files(&accepted, &mc.with_extension("expect"), |_| true)?;
    }
    let file = folder.path().join(file);
    let before =
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let after = edited(&before, &row.edit)?;
    fs::write(&file, after).map_err(|error| error.to_string())?;
    match (checked(&mc, false, budget), row.refused) {
        (Err(said), Some(words)) => contains_all(&said, words),
        (Ok(_), Some(words)) => Err(format!("it is not refused with {words:?}")),
        (Err(said), None) => Err(said),
        (Ok(outcome), None) => judge(row, &outcome),
    }
}

/// The text after the edit; what is to be edited has to stand in one line, and in one only.
fn edited(text: &str, edit: &Edit) -> Result<String, String> {
    let part = match *edit {
        Edit::Replace(old, _) | Edit::Remove(old) | Edit::Before(old, _) => old,
        Edit::Append(new) => return Ok(format!("{}\n{new}\n", text.trim_end())),
    };
    let lines: Vec<_> = text.lines().collect();
    let found: Vec<_> = (0..lines.len())
        .filter(|&it| lines[it].contains(part))
        .collect();
    let [place] = found.as_slice() else {
        return Err(format!(
            "{part:?} stands in {} lines, and not in one",
            found.len()
        ));
    };
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    match *edit {
        Edit::Replace(old, new) => lines[*place] = lines[*place].replacen(old, new, 1),
        Edit::Remove(_) => drop(lines.remove(*place)),
        Edit::Before(_, new) | Edit::Append(new) => lines.insert(*place, new.to_owned()),
    }
    Ok(lines.join("\n") + "\n")
}

/// Exactly the sentences, on these lines, with this advice, and all of it on the first screen.
fn judge(row: &Row, outcome: &Outcome) -> Result<(), String> {
    let findings = &outcome.findings;
    let comparison = findings.comparison.as_ref().ok_or("nothing was compared")?;
    let said: Vec<_> = comparison
        .differences
        .iter()
        .map(|it| it.sentence.as_str())
        .collect();
    let mut problems = Vec::new();
    let says: Vec<_> = row.says.into_iter().flatten().collect();
    if said != says {
        problems.push(format!("it says {said:#?}"));
    }
    // Where no user notices anything the changed lines alone are named.
    let lines: BTreeSet<String> = match comparison.differences.as_slice() {
        [] => comparison
            .mc
            .iter()
            .map(|it| place(&it.place.file, it.place.first))
            .collect(),
        differences => {
            let causes = differences.iter().flat_map(|it| &it.causes);
            causes
                .map(|it| place(&it.place.file, it.place.first))
                .collect()
        }
    };
    let at = BTreeSet::from_iter(row.places());
    if lines != at {
        problems.push(format!("it names {lines:?}"));
    }
    let advised: Vec<_> = findings.advice.iter().map(|it| it.id.as_str()).collect();
    let missing = row.advises.iter().filter(|id| !advised.contains(id));
    let present = row.spares.iter().filter(|id| advised.contains(id));
    problems.extend(missing.map(|id| format!("the advice {id} is missing from {advised:?}")));
    problems.extend(present.map(|id| format!("the advice {id} is still there")));
    let screen = first_screen(findings, outcome)?;
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = says.into_iter().chain(at.iter().map(String::as_str));
    let hidden = shown.filter(|it| !words.contains(it));
    problems.extend(hidden.map(|it| format!("the first screen does not show {it:?}")));
    match problems.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\n{screen}", problems.join("\n"))),
    }
}

/// `origin.mc:25`, without the folder of the copy.
fn place(file: &str, line: usize) -> String {
    let path = Path::new(file);
    let mut parts = path.iter().rev().map(|part| part.to_string_lossy());
    let name = parts.next().unwrap_or_default();
    let folder = parts.next().filter(|folder| folder.ends_with(".expect"));
    let folder = folder.map_or(String::new(), |folder| format!("{folder}/"));
    format!("{folder}{name}:{line}")
}

/// What a terminal of 24 lines and 80 columns shows, without its colours.
fn first_screen(findings: &Findings, outcome: &Outcome) -> Result<String, String> {
    let options = Options {
        width: 80,
        verbosity: 0,
        accepted: false,
    };
    let mut page = Vec::new();
    terminal::write(&mut page, findings, &outcome.run, options)
        .map_err(|error| error.to_string())?;
    let page = String::from_utf8_lossy(&page);
    let plain = anstream::adapter::strip_str(&page).to_string();
    Ok(plain.lines().take(24).collect::<Vec<_>>().join("\n"))
}

fn contains_all(said: &str, words: &[&str]) -> Result<(), String> {
    match words.iter().find(|word| !said.contains(**word)) {
        None => Ok(()),
        Some(word) => Err(format!("{word:?} is missing from: {said}")),
    }
}

fn checked(mc: &Path, accept: bool, budget: Duration) -> Result<Outcome, String> {
    let order = Order {
        site: mc.to_owned(),
        accept,
        against: None,
        bisect: None,
        difference: None,
        sysctls: Vec::new(),
        budget,
        jobs: 8,
    };
    let hooks = Hooks {
        shared: &Shared::default(),
        progress: &|_| {},
    };
    check(&order, &hooks).map_err(|problem| match problem {
        Problem::Usage(why) => why,
        Problem::Target(error) => error.to_string(),
    })
}

/// What is accepted of a site: as it lies beside it, or else as it is seen now, once for all rows.
fn accepted(site: &str, budget: Duration) -> Result<PathBuf, String> {
    let kept = source(site).join(format!("{site}.expect"));
    if kept.is_dir() {
        return Ok(kept);
    }
    let cell = {
        let mut cells = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        cells.entry((site.to_owned(), budget)).or_default().clone()
    };
    let seen = cell.get_or_init(|| {
        let folder = copy(site)?;
        checked(&folder.path().join(format!("{site}.mc")), true, budget)?;
        Ok(folder)
    });
    let folder = seen.as_ref().map_err(Clone::clone)?;
    Ok(folder.path().join(format!("{site}.expect")))
}

type Seen = Arc<OnceLock<Result<TempDir, String>>>;

static SEEN: Mutex<BTreeMap<(String, Duration), Seen>> = Mutex::new(BTreeMap::new());

fn source(site: &str) -> PathBuf {
    let sendmail = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/sendmail");
    match site {
        "origin" => sendmail,
        site => sendmail.join("sites").join(site),
    }
}

/// The files of a site in a folder of their own.
fn copy(site: &str) -> Result<TempDir, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    // Beside the origin's .mc lies what makes the image.
    let is_its = |name: &str| site != "origin" || ["origin.mc", "aliases"].contains(&name);
    copy_files(&source(site), folder.path(), is_its)?;
    Ok(folder)
}

fn copy_files(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), String> {
    let problem = |error: std::io::Error| format!("{}: {error}", from.display());
    fs::create_dir_all(to).map_err(problem)?;
    for entry in fs::read_dir(from).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        let name = entry.file_name();
        let is_file = entry.file_type().map_err(problem)?.is_file();
        if is_file && wanted(&name.to_string_lossy()) {
            fs::copy(entry.path(), to.join(&name)).map_err(problem)?;
        }
    }
    Ok(())
}
