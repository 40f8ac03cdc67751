//! A real server in containers: started once, asked from both sides, and nothing of it is left afterwards.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Command, ExitCode},
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use msaspec_harness::{
    error::Error,
    target::container::{self, Options, Running, Source},
};

/// The containers live as long as `main` says: a static would never be dropped.
static SENDMAIL: Mutex<Option<Running>> = Mutex::new(None);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("every_promised_listener_greets", || with_sendmail(greets)),
        trial("what_listens_is_what_was_promised", || {
            with_sendmail(listens)
        }),
        trial("names_lead_to_the_server_and_mail_to_the_next_hop", || {
            with_sendmail(names)
        }),
        trial("a_client_in_the_network_reaches_it_by_its_name", || {
            with_sendmail(client)
        }),
        trial("it_says_what_is_installed", || with_sendmail(installed)),
        trial(
            "nothing_is_left_of_a_target_that_does_not_start",
            does_not_start,
        ),
        trial("a_failed_build_shows_its_last_lines", failed_build),
        trial("a_missing_base_image_is_named", missing_base),
        trial("leftovers_of_dead_processes_are_swept", swept),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials);
    let started = sendmail().take();
    let had_started = started.is_some();
    drop(started);
    if had_started && !of_this_process().is_empty() {
        eprintln!("left behind: {:?}", of_this_process());
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

fn trial(name: &str, test: fn() -> Result<(), Failed>) -> Trial {
    Trial::ignorable_test(name, move || match engine() {
        Ok(_) => test().map(|()| Completion::Completed),
        Err(why) => Ok(Completion::ignored_with(why)),
    })
}

/// The engine, and the docker command, which shows what is left without asking the code under test.
fn engine() -> &'static Result<String, String> {
    static ENGINE: OnceLock<Result<String, String>> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let version = container::engine()?;
        let docker = docker(&["version"]).map(|_| version);
        docker.map_err(|e| format!("the docker command: {}", e.message().unwrap_or_default()))
    })
}

fn sendmail() -> std::sync::MutexGuard<'static, Option<Running>> {
    SENDMAIL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_sendmail(test: fn(&Running) -> Result<(), Failed>) -> Result<(), Failed> {
    let mut sendmail = sendmail();
    if sendmail.is_none() {
        let source = Source::Embedded("sendmail");
        *sendmail = Some(Running::start(&source, &Options::default())?);
    }
    test(sendmail.as_ref().ok_or("it is not running")?)
}

fn greets(running: &Running) -> Result<(), Failed> {
    let families: BTreeSet<_> = running
        .target
        .listeners
        .iter()
        .map(|l| l.family())
        .collect();
    assert_eq!(families.len(), 2);
    for listener in &running.target.listeners {
        let stream = TcpStream::connect_timeout(&listener.address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut greeting = String::new();
        BufReader::new(stream).read_line(&mut greeting)?;
        assert!(greeting.starts_with("220 "), "{listener:?}: {greeting}");
    }
    Ok(())
}

fn listens(running: &Running) -> Result<(), Failed> {
    let mut promised = running.target.promises.listeners.clone();
    promised.sort_unstable();
    assert_eq!(running.really_listening()?, promised);
    Ok(())
}

fn names(running: &Running) -> Result<(), Failed> {
    let host = running.target.host.as_deref().unwrap_or_default();
    let answer = |name, kind| -> Result<String, Error> {
        let answer = running
            .names()
            .exec(&["dig", "+short", "@127.0.0.1", name, kind])?;
        Ok(answer.stdout.trim().to_owned())
    };
    let addresses = running
        .target
        .listeners
        .iter()
        .map(|l| l.address.ip().to_string());
    let addresses: BTreeSet<_> = addresses.collect();
    let answers = BTreeSet::from([answer(host, "A")?, answer(host, "AAAA")?]);
    assert_eq!(answers, addresses);
    assert_eq!(answer("next-hop.example", "MX")?, "10 hop.test.");
    assert_eq!(running.exec(&["false"])?.status, 1);
    assert!(running.logs()?.contains("sendmail"));
    Ok(())
}

fn client(running: &Running) -> Result<(), Failed> {
    let client = running.client(&Options::default())?;
    let host = running.target.host.as_deref().unwrap_or_default();
    let script = format!(
        "printf 'QUIT\\r\\n' | timeout 20 openssl s_client -quiet -crlf -starttls smtp -connect {host}:587 \
         -verify_return_error -verify_hostname {host} -CAfile /msaspec/tls/ca.pem"
    );
    let output = client.exec(&["sh", "-c", &script])?;
    assert_eq!(output.status, 0, "{output:?}");
    Ok(())
}

fn installed(running: &Running) -> Result<(), Failed> {
    let target = &running.target;
    let named = |name: &str| target.versions.iter().any(|(its, _)| its == name);
    assert!(
        named("debian") && named("sendmail-bin"),
        "{:?}",
        target.versions
    );
    assert!(target.image.is_some());
    assert_eq!(
        target.configuration.as_ref().map(String::len),
        Some("sha256:".len() + 64)
    );
    Ok(())
}

fn does_not_start() -> Result<(), Failed> {
    let password = &msaspec_fixtures::users()[0].password;
    let dockerfile = "FROM debian:bookworm-slim\nCOPY . /context/\n\
                      CMD echo last words; cut -d: -f2 /msaspec/users; cat /context/linked; exit 7\n";
    let (_place, source) = folder("ends-at-once", dockerfile)?;
    if let Source::Folder(folder) = &source {
        std::os::unix::fs::symlink("/etc/hostname", folder.join("linked"))?;
    }
    // Nobody else of this process starts or ends anything meanwhile.
    let _sendmail = sendmail();
    let before = of_this_process();
    let error = container::start(&source, &Options::default()).err();
    let error = error.ok_or("it started")?.to_string();
    assert!(error.contains("has ended with status 7"), "{error}");
    assert!(error.contains("last words"), "{error}");
    assert!(
        error.contains("[secret]") && !error.contains(password),
        "{error}"
    );
    // The link was resolved in the container and not here.
    assert!(error.contains("mx.example"), "{error}");
    assert_eq!(of_this_process(), before);
    Ok(())
}

fn failed_build() -> Result<(), Failed> {
    let dockerfile = "FROM debian:bookworm-slim\nRUN echo a word; exit 9\n";
    let (_place, source) = folder("cannot-be-built", dockerfile)?;
    let error = container::start(&source, &Options::default()).err();
    let error = error.ok_or("it started")?.to_string();
    assert!(
        error.contains("cannot be built") && error.contains("a word"),
        "{error}"
    );
    Ok(())
}

fn missing_base() -> Result<(), Failed> {
    let dockerfile =
        "FROM debian:bookworm-slim AS first\nRUN echo a word\nFROM localhost/no-such-image:1\n";
    let (_place, source) = folder("has-no-base", dockerfile)?;
    let error = container::start(&source, &Options::default()).err();
    let error = error.ok_or("it started")?.to_string();
    let expected = "is built from the image localhost/no-such-image:1, which is missing";
    assert!(error.contains(expected), "{error}");
    assert!(error.contains("Step 3/"), "{error}");
    Ok(())
}

fn swept() -> Result<(), Failed> {
    let mut dead = Command::new("true").spawn()?;
    let label = format!("{}={}", container::PID, dead.id());
    dead.wait()?;
    // Boot and namespace are ours, so that it is known that the process is not elsewhere.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let namespace = fs::read_link("/proc/self/ns/pid")?;
    let process = format!("{}/{}/1", boot.trim(), namespace.display());
    let process = format!("{}={process}", container::PROCESS);
    let labels = ["--label", &label, "--label", &process];
    let name = format!("msaspec-test-{}", std::process::id());
    docker(&[&["network", "create"], &labels[..], &[&name]].concat())?;
    let running = [&["run", "--detach", "--network", &name], &labels[..]].concat();
    // Another msaspec may sweep at any time, even between these commands.
    let _ = docker(&[&running[..], &["debian:bookworm-slim", "sleep", "600"]].concat());
    container::sweep()?;
    let filter = format!("label={label}");
    for list in [["ps", "--all"], ["network", "ls"]] {
        let left = docker(&[&list[..], &["--quiet", "--filter", &filter]].concat())?;
        assert_eq!(left, "");
    }
    Ok(())
}

/// A target's folder with this name and Dockerfile, and the folder in which it is.
fn folder(name: &str, dockerfile: &str) -> std::io::Result<(tempfile::TempDir, Source)> {
    let place = tempfile::tempdir()?;
    let folder = place.path().join(name);
    fs::create_dir(&folder)?;
    fs::write(folder.join("Dockerfile"), dockerfile)?;
    let settings = "host = \"mx.example\"\n[promises]\nlisteners = [\"587/inet\"]\n";
    fs::write(folder.join("target.toml"), settings)?;
    Ok((place, Source::Folder(folder)))
}

/// The names of the containers and networks that this process has made.
fn of_this_process() -> Vec<String> {
    let filter = format!("label={}={}", container::PID, std::process::id());
    let lists = [
        ["ps", "--all", "--format={{.Names}}"],
        ["network", "ls", "--format={{.Name}}"],
    ];
    let names = lists.map(|list| {
        docker(&[&list[..], &["--filter", &filter]].concat()).unwrap_or_else(|e| format!("{e:?}"))
    });
    names
        .iter()
        .flat_map(|names| names.lines())
        .map(str::to_owned)
        .collect()
}

fn docker(arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new("docker").args(arguments).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().into())
}
