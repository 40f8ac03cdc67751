//! What is shown of somebody's output: its end, without what nobody should find in a report.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// The last lines that are not empty, indented, without secrets.
pub(super) fn last_words<'a>(
    lines: impl DoubleEndedIterator<Item = &'a str>,
    most: usize,
) -> String {
    let said = lines.rev().filter(|line| !line.trim().is_empty());
    let mut last: Vec<_> = said.take(most).map(|line| short(&hide(line))).collect();
    last.reverse();
    if last.is_empty() {
        return "  (nothing)".to_owned();
    }
    format!("  {}", last.join("\n  "))
}

/// The text without the accounts' passwords, in clear or in base64, and without hashes of crypt(5).
pub(super) fn hide(text: &str) -> String {
    let passwords = msaspec_fixtures::users()
        .into_iter()
        .map(|user| user.password);
    let passwords: Vec<_> = passwords.collect();
    let mut text = text.to_owned();
    for password in &passwords {
        text = text.replace(password, SECRET);
    }
    let encoded: Vec<_> = passwords.iter().flat_map(|it| encoded(it)).collect();
    let text = hide_runs(&text, "+/=", |run| {
        encoded.iter().any(|it| run.contains(it))
    });
    hide_runs(&text, "$./=,+-", is_hash)
}

/// The digits that a password has in the base64 of any text which holds it: they depend on where it begins.
fn encoded(password: &str) -> [String; 3] {
    [(0, 0), (1, 2), (2, 3)].map(|(before, shared)| {
        let octets = [&vec![0; before], password.as_bytes()].concat();
        let digits = STANDARD_NO_PAD.encode(&octets);
        let whole = octets.len() * 8 / 6;
        digits[shared..whole].to_owned()
    })
}

fn is_hash(run: &str) -> bool {
    METHODS.iter().any(|method| {
        let hash = run.split_once(method).map(|(_, hash)| hash);
        hash.is_some_and(|hash| hash.len() >= SHORTEST_HASH)
    })
}

/// Replaces the runs of letters, digits and `others` that are a secret.
fn hide_runs(text: &str, others: &str, is_secret: impl Fn(&str) -> bool) -> String {
    let belongs = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(belongs) {
        let (before, run) = rest.split_at(begin);
        let end = run.find(|c| !belongs(c)).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        shown.push_str(before);
        shown.push_str(if is_secret(run) { SECRET } else { run });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

fn short(line: &str) -> String {
    line.trim_end().chars().take(LONGEST).collect()
}

const SECRET: &str = "[secret]";
const METHODS: [&str; 8] = ["$y$", "$gy$", "$7$", "$6$", "$5$", "$2b$", "$2y$", "$1$"];
/// MD5, the shortest: a salt may be empty, then a dollar and 22 digits.
const SHORTEST_HASH: usize = 23;
/// In characters.
const LONGEST: usize = 500;

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn passwords_are_hidden_in_every_form() {
        let password = &msaspec_fixtures::users()[0].password;
        assert_eq!(hide(&format!("<{password}>")), "<[secret]>");
        for before in ["", "\0alice\0", "alice\0alice\0", "x", "xy"] {
            for after in ["", "\0", "!?"] {
                let login = STANDARD.encode(format!("{before}{password}{after}"));
                let log = format!("<-- AUTH PLAIN {login}, from=[10.0.0.1]");
                assert_eq!(hide(&log), "<-- AUTH PLAIN [secret], from=[10.0.0.1]");
            }
        }
    }

    #[test]
    fn hashes_are_hidden_and_nothing_else() {
        for hash in [
            "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
            "$6$abcdefgh$yVfUwsw5T.JApa8POvClA1pQ5peiq97DUNyXCZN5IrF.BMSkiaLQ5kvpuEm/VQ1Tvh/KV2TcaWh8qinoW5dhA1",
            "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        ] {
            let shadow = format!("alice:{hash}:19000:");
            assert_eq!(hide(&shadow), "alice:[secret]:19000:");
        }
        for harmless in [
            "awk '{print $1$2}' a",
            "cost $5$ or $6$x",
            "é AGFsaWNlAA== $1$",
        ] {
            assert_eq!(hide(harmless), harmless);
        }
    }

    #[test]
    fn the_end_is_shown() {
        let lines: Vec<_> = (0..50).map(|n| format!("line {n}")).collect();
        let last = last_words(lines.iter().map(String::as_str).chain(["", " "]), 20);
        assert!(last.starts_with("  line 30\n  line 31") && last.ends_with("line 49"));
        assert_eq!(last_words("\n \n".lines(), 20), "  (nothing)");
        assert_eq!(
            last_words(["é".repeat(9000).as_str()].into_iter(), 1).len(),
            1002
        );
    }
}
