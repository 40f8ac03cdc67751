//! Files that are no honest configuration: each ends soon, with a sentence, and leaves nothing.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use libtest_mimic::{Completion, Failed, Trial};
use tempfile::TempDir;

use super::program::{self, ended_with, nothing_is_left, said};
use crate::trial;

/// What makes a folder with `site.mc` in it hostile.
type Make = fn(&Path) -> std::io::Result<()>;

/// Name, how it is made, and what is said with status 2.
const REFUSED: &[(&str, Make, &[&str])] = &[
    (
        "ten-mebibytes",
        |it| fs::write(mc(it), vec![b'x'; 10 << 20]),
        &["larger than 1 MiB"],
    ),
    (
        "ten-mebibytes-of-quotes",
        |it| fs::write(mc(it), vec![b'`'; 10 << 20]),
        &["larger than 1 MiB"],
    ),
    (
        "binary",
        |it| fs::write(mc(it), [0x7f, b'E', b'L', b'F', 2, 1, 1]),
        &["is no text"],
    ),
    (
        "a-nul",
        |it| fs::write(mc(it), "OSTYPE(`linux')dnl\n\0"),
        &["is no text", "NUL"],
    ),
    ("empty", |it| fs::write(mc(it), ""), &["calls no macro"]),
    (
        "a-cf",
        |it| fs::write(mc(it), "V10/Berkeley\nO Timeout.ident=0s\n"),
        &["calls no macro"],
    ),
    ("missing", |_| Ok(()), &["site.mc: does not exist"]),
    (
        "a-folder",
        |it| fs::create_dir(mc(it)),
        &["is a folder: name an .mc file"],
    ),
    ("a-fifo", |it| fifo(&mc(it)), &["is no plain file"]),
    (
        "a-device",
        |it| symlink("/dev/zero", mc(it)),
        &["leads out of the folder"],
    ),
    (
        "a-needed-link-out-of-the-folder",
        |it| {
            symlink("/etc/passwd", it.join("local.m4"))?;
            fs::write(mc(it), format!("include(`local.m4')dnl\n{PLAIN}"))
        },
        &[
            "local.m4: is a symbolic link that leads out of the folder",
            "put a copy",
        ],
    ),
    (
        "a-damaged-baseline",
        |it| {
            fs::write(mc(it), PLAIN)?;
            accepted(it, "format = 1\n[facts\n")
        },
        &["site.expect/facts.toml, line 2: ", "--accept"],
    ),
    (
        "a-baseline-of-a-newer-format",
        |it| {
            fs::write(mc(it), PLAIN)?;
            accepted(it, "format = 99\nnews = true\n")
        },
        &["format 99 was written by a newer msaspec"],
    ),
    (
        "a-baseline-that-is-a-link",
        |it| {
            fs::write(mc(it), PLAIN)?;
            symlink("/etc", it.join("site.expect"))
        },
        &["site.expect is a symbolic link"],
    ),
    (
        "m4-without-end",
        |it| fs::write(mc(it), format!("{PLAIN}define(`a', `a')a\n")),
        &["m4 does not come to an end"],
    ),
    (
        "m4-that-grows",
        |it| fs::write(mc(it), format!("{PLAIN}define(`a', `a`'a`'a')a\n")),
        &["m4"],
    ),
    (
        "a-syscmd-that-sleeps",
        |it| fs::write(mc(it), format!("{PLAIN}syscmd(`sleep 1000')\n")),
        &["m4 does not come to an end"],
    ),
    (
        "dev-zero-included",
        |it| fs::write(mc(it), format!("{PLAIN}include(`/dev/zero')\n")),
        &["m4 does not come to an end"],
    ),
];

/// As every configuration has it.
const PLAIN: &str = "include(`/usr/share/sendmail/cf/m4/cf.m4')dnl\nOSTYPE(`debian')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n";

/// The longest that a refusal takes.
const SOON: Duration = Duration::from_secs(30);
/// A user who owns nothing.
const NOBODY: u32 = 65534;

pub(crate) fn trials() -> Vec<Trial> {
    let refused = REFUSED.iter().map(|(name, make, words)| {
        trial(&format!("hostile::{name}"), 1, || {
            let folder = tempfile::tempdir()?;
            make(folder.path())?;
            let output = within(SOON, &[mc(folder.path()).as_os_str()])?;
            refused(&output, words)
        })
    });
    let mut trials: Vec<_> = refused.collect();
    trials.push(trial("hostile::unreadable", 1, unreadable));
    trials.push(trial("hostile::a-fork-bomb", 1, fork_bomb));
    trials.push(trial(
        "hostile::a-link-that-nothing-needs",
        1,
        unneeded_link,
    ));
    trials.push(trial(
        "hostile::accepted-where-nobody-may-write",
        1,
        accepted_read_only,
    ));
    trials
}

fn refused(output: &Output, words: &[&str]) -> Result<Completion, Failed> {
    ended_with(output, 2)?;
    let said = said(output);
    let missing: Vec<_> = words
        .iter()
        .filter(|words| !said.contains(**words))
        .collect();
    match missing.is_empty() && !said.contains("panicked") {
        true => Ok(Completion::Completed),
        false => Err(format!("{missing:?} is not said in: {said}").into()),
    }
}

/// Runs the program, which ends in time and leaves nothing.
fn within(longest: Duration, arguments: &[&std::ffi::OsStr]) -> Result<Output, Failed> {
    let begin = Instant::now();
    let (pid, output) = program::run(arguments)?;
    let took = begin.elapsed();
    nothing_is_left(pid)?;
    match took < longest {
        true => Ok(output),
        false => Err(format!("it takes {took:?}: {}", said(&output)).into()),
    }
}

/// root may read everything, so somebody else asks.
fn unreadable() -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    fs::write(mc(folder.path()), PLAIN)?;
    fs::set_permissions(mc(folder.path()), Permissions::from_mode(0o000))?;
    let mut command = program::command(&[mc(folder.path())]);
    if is_root(&folder)? {
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
    }
    match command.output() {
        Ok(output) => refused(&output, &["site.mc: cannot be read: permission denied"]),
        Err(error) => Ok(Completion::ignored_with(format!(
            "another user cannot run the program: {error}"
        ))),
    }
}

/// It fails in the machine, and what is left of it there goes with the machine.
fn fork_bomb() -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    fs::write(
        mc(folder.path()),
        format!("{PLAIN}syscmd(`f(){{ f|f& }};f')\n"),
    )?;
    let site = mc(folder.path());
    let output = within(
        Duration::from_secs(60),
        &[site.as_os_str(), "--budget".as_ref(), "0".as_ref()],
    )?;
    match output.status.code() {
        Some(0..=2) => Ok(Completion::Completed),
        _ => Err(format!("{}: {}", output.status, said(&output)).into()),
    }
}

/// It is left out, and said.
fn unneeded_link() -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    fs::write(mc(folder.path()), PLAIN)?;
    symlink("/etc/passwd", folder.path().join("passwords"))?;
    let site = mc(folder.path());
    let output = within(
        Duration::from_secs(60),
        &[site.as_os_str(), "--budget".as_ref(), "0".as_ref()],
    )?;
    let said = said(&output);
    match said.contains("passwords: is a symbolic link that leads out of the folder") {
        true => Ok(Completion::Completed),
        false => Err(format!("the link is not mentioned: {said}").into()),
    }
}

fn accepted_read_only() -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    fs::write(mc(folder.path()), PLAIN)?;
    let lock = |flag: &str| Command::new("chattr").arg(flag).arg(folder.path()).status();
    if is_root(&folder)? {
        if !lock("+i").is_ok_and(|status| status.success()) {
            let reason = "root may write everywhere, and chattr +i does not work here";
            return Ok(Completion::ignored_with(reason));
        }
    } else {
        fs::set_permissions(folder.path(), Permissions::from_mode(0o555))?;
    }
    let site = mc(folder.path());
    let output = within(
        SOON,
        &[
            site.as_os_str(),
            "--accept".as_ref(),
            "--budget".as_ref(),
            "0".as_ref(),
        ],
    );
    // So that the folder can be removed.
    let _ = lock("-i");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    refused(&output?, &["site.expect", "nothing is accepted"])
}

fn is_root(folder: &TempDir) -> Result<bool, Failed> {
    Ok(fs::metadata(folder.path())?.uid() == 0)
}

fn mc(folder: &Path) -> PathBuf {
    folder.join("site.mc")
}

fn fifo(path: &Path) -> std::io::Result<()> {
    Command::new("mkfifo").arg(path).status().map(drop)
}

fn accepted(folder: &Path, facts: &str) -> std::io::Result<()> {
    let accepted = folder.join("site.expect");
    fs::create_dir(&accepted)?;
    fs::write(accepted.join("facts.toml"), facts)
}
