//! `target.toml`: what a target is, what it promises, and what its container needs.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use serde::Deserialize;

use super::{
    context::is_ours,
    host::Blueprint,
    source::{SETTINGS, Source},
};
use crate::{error::Error, promises::Promises};

/// A target's `target.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    #[serde(default)]
    client: Trust,
    /// The name that users configure, and that the certificate has.
    pub(super) host: String,
    local_domain: Option<String>,
    #[serde(default = "two_minutes")]
    delivery_deadline: u64,
    /// Credentials may go in clear text.
    #[serde(default)]
    pub(super) allow_clear_login: bool,
    /// What it promises.
    pub(super) promises: Promises,
    /// What its container needs.
    #[serde(default)]
    pub(super) container: Needs,
}

/// Whether the server has a reason to trust our address.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Trust {
    #[default]
    Trusted,
    Untrusted,
}

/// `[container]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Needs {
    hostname: Option<String>,
    /// Helpers that are started first; their volumes are the target's too.
    pub(super) helpers: Vec<String>,
    /// Kernel parameters of the container.
    pub(super) sysctls: BTreeMap<String, String>,
    /// What its environment has besides MSASPEC_HOST.
    pub(super) environment: BTreeMap<String, String>,
    /// A program that is put beside the Dockerfile under this name.
    pub(super) binary: Option<String>,
    /// Where the server writes the certificate to be trusted, if it is not ours.
    pub(super) ca: Option<String>,
    /// Packages whose versions are reported.
    pub(super) packages: Vec<String>,
    /// What runs in it instead of the image's own command.
    #[serde(skip)]
    pub(super) command: Vec<String>,
    /// The most memory, in octets, and the most processes.
    #[serde(skip)]
    pub(super) limits: Option<(i64, i64)>,
}

impl Settings {
    /// The same for a machine that is to be configured after its start.
    pub(super) fn built_as(mut self, blueprint: &Blueprint) -> Settings {
        self.host = blueprint.hostname.to_owned();
        self.local_domain = None;
        self.container.hostname = None;
        self.container.command = blueprint
            .command
            .iter()
            .map(|&word| word.to_owned())
            .collect();
        self.container
            .sysctls
            .extend(blueprint.sysctls.iter().cloned());
        self.container.limits = Some((blueprint.memory, blueprint.processes));
        self
    }

    /// Reads and checks a target's settings.
    pub(super) fn of(source: &Source) -> Result<Settings, Error> {
        let text = source.text(SETTINGS)?.ok_or_else(|| {
            let problem =
                "is missing; it says what the target promises, at least [promises] listeners";
            Error::file(source.path(SETTINGS), problem)
        })?;
        Settings::parse(&text).map_err(|problem| Error::file(source.path(SETTINGS), problem))
    }

    fn parse(text: &str) -> Result<Settings, String> {
        let settings: Settings =
            toml::from_str(text).map_err(|e| located(text, e.span(), e.message()))?;
        settings.check().map(|()| settings)
    }

    fn check(&self) -> Result<(), String> {
        for (key, name) in [
            ("host", self.host.as_str()),
            ("local_domain", self.local_domain()),
            ("hostname", self.hostname()),
        ] {
            if !is_host_name(name) {
                return Err(format!("{key}: \"{name}\" is no host name"));
            }
            if key != "local_domain" && name.len() > LONGEST_NAME {
                return Err(format!(
                    "{key}: \"{name}\" is longer than the {LONGEST_NAME} octets that a machine's name can have"
                ));
            }
        }
        if !(1..=A_DAY).contains(&self.delivery_deadline) {
            return Err(format!(
                "delivery_deadline: {} is not from 1 to {A_DAY} seconds",
                self.delivery_deadline
            ));
        }
        if self.promises.listeners.is_empty() {
            let example = "[\"587/inet\", \"587/inet6\"]";
            return Err(format!(
                "listeners: at least one is to be promised, such as {example}"
            ));
        }
        for (place, helper) in self.container.helpers.iter().enumerate() {
            let known = msaspec_fixtures::helper(helper).is_some();
            if !known || helper == "names" || helper.starts_with("clients") {
                return Err(format!(
                    "helpers: there is no helper \"{helper}\"; saslauthd is one"
                ));
            }
            if self.container.helpers[..place].contains(helper) {
                return Err(format!("helpers: \"{helper}\" stands there twice"));
            }
        }
        match &self.container.binary {
            Some(binary)
                if ["", ".", ".."].contains(&binary.as_str()) || binary.contains(['/', '\\']) =>
            {
                Err(format!("binary: \"{binary}\" is no file name"))
            }
            Some(binary) if binary == "Dockerfile" || is_ours(binary) => Err(format!(
                "binary: \"{binary}\" is the name of another file in the folder"
            )),
            _ => Ok(()),
        }
    }

    /// The name of the machine.
    pub(super) fn hostname(&self) -> &str {
        self.container.hostname.as_deref().unwrap_or(&self.host)
    }

    /// The domain whose mailboxes the target has.
    pub(super) fn local_domain(&self) -> &str {
        self.local_domain.as_deref().unwrap_or(&self.host)
    }

    /// The server has no reason to trust our address.
    pub(super) fn untrusted(&self) -> bool {
        self.client == Trust::Untrusted
    }

    /// How long a delivery may take.
    pub(super) fn delivery_deadline(&self) -> Duration {
        Duration::from_secs(self.delivery_deadline)
    }
}

/// A problem in one line, with the line and the key where it stands.
fn located(text: &str, span: Option<Range<usize>>, message: &str) -> String {
    let message = message.lines().collect::<Vec<_>>().join("; ");
    let Some(before) = span.and_then(|span| text.get(..span.start)) else {
        return message;
    };
    let line = text.lines().nth(before.matches('\n').count());
    let key = line.and_then(|line| line.split_once('='));
    let number = before.matches('\n').count() + 1;
    match key {
        Some((key, _)) if !message.contains(key.trim()) => {
            format!("line {number}, {}: {message}", key.trim())
        }
        _ => format!("line {number}: {message}"),
    }
}

fn is_host_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    name.contains('.')
        && name.split('.').all(|label| !label.is_empty())
        && name.chars().all(allowed)
}

fn two_minutes() -> u64 {
    120
}

const A_DAY: u64 = 86_400;
/// HOST_NAME_MAX on Linux, and the longest common name of a certificate (RFC 5280 appendix A.1).
const LONGEST_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LEAST: &str = "host = \"mx.example\"\n[promises]\nlisteners = [\"587/inet\"]\n";

    #[test]
    fn the_fixtures_are_read() {
        for name in msaspec_fixtures::servers() {
            let settings = Settings::of(&Source::Embedded(name)).unwrap();
            assert!(settings.untrusted() && settings.allow_clear_login, "{name}");
            assert!(settings.promises.starttls, "{name}");
        }
    }

    #[test]
    fn what_is_left_out_follows_from_the_host() {
        let settings = Settings::parse(LEAST).unwrap();
        assert_eq!(settings.hostname(), "mx.example");
        assert_eq!(settings.local_domain(), "mx.example");
        assert_eq!(settings.delivery_deadline().as_secs(), 120);
        assert!(!settings.untrusted() && !settings.allow_clear_login);
    }

    #[rstest]
    #[case("hots = 1", "line 1: unknown field `hots`")]
    #[case("client = \"stranger\"", "line 1, client: unknown variant `stranger`")]
    #[case(
        "delivery_deadline = \"60\"",
        "line 1, delivery_deadline: invalid type"
    )]
    #[case("local_domain = \"a b\"", "local_domain: \"a b\" is no host name")]
    #[case("delivery_deadline = 0", "delivery_deadline: 0 is not from 1 to 86400")]
    #[case("delivery_deadline = 86401", "delivery_deadline: 86401 is not from 1")]
    fn a_slip_is_one_sentence_with_its_key(#[case] line: &str, #[case] expected: &str) {
        let error = Settings::parse(&format!("{line}\n{LEAST}")).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }

    #[test]
    fn a_machine_has_a_short_name() {
        let text = LEAST.replace("mx.example", &format!("{}.example", "m".repeat(60)));
        let error = Settings::parse(&text).unwrap_err();
        assert!(error.starts_with("host: \"mmm"), "{error}");
    }

    #[rstest]
    #[case("[container]\nhelper = []", "line 5: unknown field `helper`")]
    #[case(
        "[container]\nhelpers = [\"names\"]",
        "helpers: there is no helper \"names\""
    )]
    #[case(
        "[container]\nhelpers = [\"clients-postfix\"]",
        "helpers: there is no helper \"clients-postfix\""
    )]
    #[case("[container.environment]\nA = 1", "line 5, A: invalid type")]
    #[case("[container]\nbinary = \"../x\"", "binary: \"../x\" is no file name")]
    #[case("[container]\nbinary = \"..\"", "binary: \"..\" is no file name")]
    #[case(
        "[container]\nbinary = \"Dockerfile\"",
        "binary: \"Dockerfile\" is the name"
    )]
    #[case(
        "[container]\nbinary = \"known.toml\"",
        "binary: \"known.toml\" is the name"
    )]
    #[case(
        "[container]\nhelpers = [\"saslauthd\", \"saslauthd\"]",
        "helpers: \"saslauthd\" stands there twice"
    )]
    #[case("[container.sysctls]\n\"a.b\" = 1", "line 5, \"a.b\": invalid type")]
    fn so_is_one_of_the_container(#[case] lines: &str, #[case] expected: &str) {
        let error = Settings::parse(&format!("{LEAST}{lines}\n")).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn listeners_have_to_be_promised() {
        let error = Settings::parse("host = \"mx.example\"\n[promises]\n").unwrap_err();
        assert!(error.starts_with("listeners:"), "{error}");
        let error = Settings::parse("host = \"mx.example\"\n").unwrap_err();
        assert!(error.contains("promises"), "{error}");
    }
}
