//! A `.cf` in few lines.

use sha2::{Digest, Sha256};

/// The lines of a `.cf` in which each ruleset is one line, with the number of its rules and what they
/// come to: all that a comparison needs, and small.
pub fn digest(cf: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut ruleset: Option<Ruleset> = None;
    for line in cf {
        match line.chars().next() {
            Some('R') => {
                // Rules before any ruleset belong to number 0.
                let current = ruleset.get_or_insert_with(|| Ruleset::named("S0", &mut lines));
                current.rules += 1;
                current.octets.update(line.as_bytes());
                current.octets.update(b"\n");
            }
            Some('S') => {
                finish(ruleset.take(), &mut lines);
                ruleset = Some(Ruleset::named(line, &mut lines));
            }
            _ => lines.push(line.clone()),
        }
    }
    finish(ruleset, &mut lines);
    lines
}

struct Ruleset {
    /// Its line; other lines can stand between its rules.
    line: usize,
    rules: usize,
    octets: Sha256,
}

impl Ruleset {
    fn named(line: &str, lines: &mut Vec<String>) -> Ruleset {
        lines.push(line.to_owned());
        Ruleset {
            line: lines.len() - 1,
            rules: 0,
            octets: Sha256::new(),
        }
    }
}

fn finish(ruleset: Option<Ruleset>, lines: &mut [String]) {
    let Some(ruleset) = ruleset else { return };
    let octets: String = (ruleset.octets.finalize().iter().take(SHOWN))
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let words = match ruleset.rules {
        0 => ": no rules".to_owned(),
        1 => format!(": 1 rule, {octets}"),
        rules => format!(": {rules} rules, {octets}"),
    };
    lines[ruleset.line].push_str(&words);
}

/// In octets: nobody forges his own configuration.
const SHOWN: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_ruleset_is_a_line() {
        let short = digest(&lines(
            "DSx\nR$*\tearly\nScheck_rcpt\nR$*\tone\nKmap hash\nR$*\ttwo\nSempty\nO A=b",
        ));
        assert_eq!(short[0], "DSx");
        assert!(short[1].starts_with("S0: 1 rule, "), "{short:?}");
        assert!(short[2].starts_with("Scheck_rcpt: 2 rules, "), "{short:?}");
        assert_eq!(short[3..], ["Kmap hash", "Sempty: no rules", "O A=b"]);
    }

    #[test]
    fn a_changed_rule_changes_its_ruleset_alone() {
        let before = digest(&lines("Sone\nR$*\ta\nStwo\nR$*\tb"));
        let after = digest(&lines("Sone\nR$*\ta\nStwo\nR$*\tc"));
        assert_eq!(before[0], after[0]);
        assert_ne!(before[1], after[1]);
    }
}
