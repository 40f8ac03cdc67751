//! The example file is loaded, and has every key that the parser knows.

use super::{Config, ConfigError, HopDeadlines, Limits};
use crate::policy::{FixUps, Refusals};

const EXAMPLE: &str = include_str!("../../example.toml");

#[test]
fn the_example_works_and_shows_the_defaults() {
    let config = Config::from_toml(EXAMPLE).unwrap();
    assert!(matches!(
        config.validate(),
        Err(ConfigError::Unserved { .. })
    ));
    assert!(config.users.is_empty() && config.tokens.is_empty());
    let text = EXAMPLE.replace("\n# alice =", "\nalice =");
    let config = Config::from_toml(&text).unwrap();
    assert_eq!(config.validate(), Ok(()));
    let usual = Config::modern("submission.example.org", "/var/spool/msaspec");
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.hop_deadlines, HopDeadlines::default());
    assert_eq!(config.retry_seconds, usual.retry_seconds);
    assert_eq!(config.size_limit, usual.size_limit);
    assert_eq!(config.idle_seconds, usual.idle_seconds);
}

#[test]
fn the_example_has_every_word() {
    let lists = |key: &str, names: String| {
        let names: Vec<_> = names.split(' ').collect();
        format!("\n#   {key} = {names:?}\n")
    };
    for usual in [
        lists("refuse", Refusals::default().to_string()),
        lists("fix", FixUps::default().to_string()),
    ] {
        assert!(EXAMPLE.contains(&usual), "{usual}");
    }
    let refuse = Refusals::named(&["?"]).unwrap_err().known;
    let fix = FixUps::named(&["?"]).unwrap_err().known;
    for word in refuse.into_iter().chain(fix) {
        let mut words = EXAMPLE.split(|c: char| !c.is_ascii_alphabetic() && c != '-');
        assert!(words.any(|found| found == word), "{word}");
    }
}

#[test]
fn the_example_has_every_key() {
    let whole = EXAMPLE.replace("\n# ", "\n");
    let written = |key: &str, text: &str| {
        text.lines().any(|line| {
            line.split_once('=')
                .is_some_and(|(found, _)| found.trim() == key)
                || line.trim() == format!("[{key}]")
        })
    };
    for key in known("") {
        assert!(written(&key, &whole), "{key}");
        // A section of the server's own, and not of names.
        let section = format!("[{key}]");
        if EXAMPLE.contains(&section)
            && !["users", "tokens", "senders", "rewrite"].contains(&key.as_str())
        {
            let (_, lines) = whole.split_once(&format!("\n{section}\n")).unwrap();
            let lines = lines.split("\n[").next().unwrap();
            for inner in known(&section) {
                assert!(written(&inner, lines), "{section} {inner}");
            }
        }
    }
    for key in known("[[listeners]]") {
        assert!(EXAMPLE.contains(&format!("{key} = ")), "listeners: {key}");
    }
}

/// The keys of a section, as the parser lists them where one is unknown.
fn known(section: &str) -> Vec<String> {
    let text = format!("{section}\nno_such_key = 1\n");
    let Err(ConfigError::File { message, .. }) = Config::from_toml(&text) else {
        panic!("{text} was read");
    };
    let (_, list) = message.split_once("known are ").unwrap();
    list.split(", ").map(str::to_owned).collect()
}
