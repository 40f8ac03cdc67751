//! The program and containers, as its users run it: copies of a fixture, mistakes in a configuration, and what is left behind.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use msaspec_harness::{
    report::Document,
    target::container::{self, Options, Running},
    verdict::Verdict,
};

/// A mistake in `origin.mc`: its name, the edit, and the case under which it has to fail.
type Mistake = (&'static str, fn(&str) -> String, &'static str);

const MISTAKES: &[Mistake] = &[
    (
        "no-a-modifier",
        |mc| mc.replace("M=EOa", "M=EO"),
        "rfc6409-4.3-mail-refused-before-authentication",
    ),
    (
        "no-E-modifier",
        |mc| mc.replace("M=EOa", "M=Oa"),
        "rfc6409-7-etrn-absent",
    ),
    (
        "no-inet6",
        |mc| without_lines(mc, "Family=inet6"),
        "rfc6409-3.1-port-587-is-esmtp-submission",
    ),
    (
        "no-server-key",
        |mc| without_lines(mc, "confSERVER_KEY"),
        "rfc3207-4-220-then-handshake",
    ),
    (
        "no-PLAIN",
        |mc| mc.replace("LOGIN PLAIN", "LOGIN"),
        "rfc4616-2-success",
    ),
];

/// The longest wait for a run: a whole one on sendmail takes a minute and a half.
const PATIENCE: Duration = Duration::from_secs(600);

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        trial("copy::as-it-is", || {
            let copy = copy()?;
            let (status, document) = judge(&copy.path().join("sendmail"), &[])?;
            expect(status, 0, &document)
        }),
        trial("copy::nothing-known", || {
            let copy = copy()?;
            let known = copy.path().join("nothing.toml");
            fs::write(&known, "")?;
            let known = known.to_string_lossy().into_owned();
            // One chapter that has known deviations is enough.
            let order = ["--known", &known, "--only", "chapter:authentication"];
            let (status, document) = judge(&copy.path().join("sendmail"), &order)?;
            expect(status, 1, &document)
        }),
        trial("left-behind::interrupted", interrupted),
        trial("left-behind::killed", killed),
        trial("left-behind::panicked", panicked),
    ];
    for (name, edit, id) in MISTAKES {
        trials.push(trial(&format!("mistake::{name}"), move || {
            mistake(*edit, id)
        }));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// The mistake fails under the right requirement, and the program's status says so.
fn mistake(edit: fn(&str) -> String, id: &str) -> Result<(), Failed> {
    let copy = copy()?;
    let mc = copy.path().join("sendmail/origin.mc");
    let before = fs::read_to_string(&mc)?;
    let after = edit(&before);
    if before == after {
        return Err("the edit changes nothing".into());
    }
    fs::write(&mc, after)?;
    let only: Vec<&str> = MISTAKES
        .iter()
        .flat_map(|(_, _, id)| ["--only", id])
        .collect();
    let (status, document) = judge(&copy.path().join("sendmail"), &only)?;
    let case = document
        .runs
        .first()
        .and_then(|run| run.cases.iter().find(|case| case.id == id));
    let case = case.ok_or_else(|| format!("{id} was not asked"))?;
    if case.verdict != Verdict::Fail || case.known.is_some() {
        return Err(format!(
            "{id}: {} {:?}\n{}",
            case.verdict,
            case.reason,
            case.transcript.join("\n")
        )
        .into());
    }
    expect(status, 1, &document)
}

/// Ctrl-C: the reports are written, and nothing is left.
fn interrupted() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let json = folder.path().join("run.json");
    let child = start(&["run", "sendmail", "--json", &json.to_string_lossy()])?;
    let pid = child.id();
    wait_for_containers(pid)?;
    Command::new("kill")
        .args(["-INT", &pid.to_string()])
        .status()?;
    let output = child.wait_with_output()?;
    if output.status.code() != Some(130) {
        return Err(format!("status {:?} after Ctrl-C: {}", output.status, text(&output)).into());
    }
    let document: Document = serde_json::from_str(&fs::read_to_string(&json)?)?;
    nothing_is_left(pid)?;
    if document.format == 1 {
        Ok(())
    } else {
        Err("not the format that was promised".into())
    }
}

/// What a killed run has left is swept by the next.
fn killed() -> Result<(), Failed> {
    let mut child = start(&["run", "sendmail"])?;
    let pid = child.id();
    wait_for_containers(pid)?;
    child.kill()?;
    child.wait()?;
    if labelled("container", pid)?.is_empty() {
        return Err("the killed run has left nothing, so this shows nothing".into());
    }
    let next = start(&["run", "sendmail", "--only", "rfc5321-4.2"])?.wait_with_output()?;
    if next.status.code() != Some(0) {
        return Err(format!("the next run: {}", text(&next)).into());
    }
    nothing_is_left(pid)
}

/// A panic drops what was started.
fn panicked() -> Result<(), Failed> {
    let ended = std::thread::spawn(|| {
        let started = container::find("sendmail")
            .and_then(|source| Running::start(&source, &Options::default()));
        let Ok(running) = started else { return };
        assert!(running.target.listeners.is_empty(), "this panic is meant");
    })
    .join();
    if ended.is_ok() {
        return Err("nothing panicked".into());
    }
    nothing_is_left(std::process::id())
}

fn trial(name: &str, story: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    // One at a time: each starts containers of its own, and some are about time.
    static ONE: Mutex<()> = Mutex::new(());
    Trial::ignorable_test(name, move || {
        if let Err(reason) = container::engine() {
            return Ok(Completion::ignored_with(reason));
        }
        let _one = ONE
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        story().map(|()| Completion::Completed)
    })
}

/// A copy of the sendmail fixture, elsewhere on the disk.
fn copy() -> Result<tempfile::TempDir, Failed> {
    let copy = tempfile::tempdir()?;
    let folder = msaspec_fixtures::server("sendmail").ok_or("no sendmail")?;
    msaspec_fixtures::write_to(folder, &copy.path().join("sendmail"))?;
    Ok(copy)
}

fn judge(folder: &Path, more: &[&str]) -> Result<(Option<i32>, Document), Failed> {
    let folder: PathBuf = folder.to_owned();
    let mut arguments = vec![
        "run".to_owned(),
        folder.to_string_lossy().into_owned(),
        "--json".to_owned(),
        "-".to_owned(),
    ];
    arguments.extend(more.iter().map(ToString::to_string));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = start(&arguments)?.wait_with_output()?;
    let document =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("{e}: {}", text(&output)))?;
    Ok((output.status.code(), document))
}

fn expect(status: Option<i32>, wanted: i32, document: &Document) -> Result<(), Failed> {
    if status == Some(wanted) {
        return Ok(());
    }
    let news = document
        .runs
        .iter()
        .flat_map(|run| &run.cases)
        .filter(|case| case.is_news());
    let news: Vec<_> = news
        .map(|case| format!("{} {}: {:?}", case.verdict, case.id, case.observed))
        .collect();
    Err(format!(
        "exit status {status:?} instead of {wanted}; {}",
        news.join("\n")
    )
    .into())
}

fn start(arguments: &[&str]) -> Result<Child, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msaspec"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .spawn()?)
}

fn wait_for_containers(pid: u32) -> Result<(), Failed> {
    let deadline = Instant::now() + PATIENCE;
    while labelled("container", pid)?.lines().count() < 2 {
        if Instant::now() > deadline {
            return Err("no containers came up".into());
        }
    }
    Ok(())
}

fn nothing_is_left(pid: u32) -> Result<(), Failed> {
    for kind in ["container", "network", "volume"] {
        let left = labelled(kind, pid)?;
        if !left.is_empty() {
            return Err(format!("left behind: {kind} {left}").into());
        }
    }
    Ok(())
}

fn labelled(kind: &str, pid: u32) -> Result<String, Failed> {
    let filter = format!("label=msaspec.pid={pid}");
    let all: &[&str] = if kind == "container" { &["--all"] } else { &[] };
    let output = Command::new("docker")
        .args([kind, "ls", "--quiet", "--filter", &filter])
        .args(all)
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn without_lines(text: &str, word: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !line.contains(word))
        .collect()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
