//! Foreign text in Markdown, where it can neither format, nor link, nor call anybody.

use msaspec_harness::report::terminal::{copied, harmless};

/// Whatever means something to Markdown in the middle of a line.
const MEANT: &str = "\\`*_{}[]|~#$:@!";
/// Splits a text so that what was looked for by sites (`@name`, `#1`, addresses) is not found.
const SPLIT: &str = "<!-- -->";

/// A part of a paragraph, which has no other lines.
pub(super) fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let line = one_line(text);
    // Where a list could begin.
    let mut begins = true;
    for (index, character) in line.char_indices() {
        let marks_item = begins && matches!(character, '-' | '+' | '=' | '.' | ')');
        begins &= character.is_ascii_digit();
        let is_link = character == '.' && begins_link(&line, index);
        if marks_item || is_link || MEANT.contains(character) {
            escaped.push('\\');
        }
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(character),
        }
        if matches!(character, '@' | '#') {
            escaped.push_str(SPLIT);
        }
    }
    escaped
}

/// Text in HTML, where Markdown is not read.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let line = one_line(text);
    for (index, character) in line.char_indices() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '`' => escaped.push_str("&#96;"),
            '[' => escaped.push_str("&#91;"),
            '@' | '#' => {
                escaped.push(character);
                escaped.push_str(SPLIT);
            }
            ':' | '.' if begins_link(&line, index) => {
                escaped.push(character);
                escaped.push_str(SPLIT);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// As it was typed, within a line.
pub(super) fn code(text: &str) -> String {
    let text = one_line(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let needs_room = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let room = if needs_room { " " } else { "" };
    format!("{ticks}{room}{text}{room}{ticks}")
}

/// As it was typed, as lines of their own. The fence is longer than any within.
pub(super) fn fenced<'l>(language: &str, lines: impl IntoIterator<Item = &'l str>) -> String {
    let lines = lines.into_iter().flat_map(str::lines).map(copied);
    let lines: Vec<_> = lines.collect();
    let longest = lines.iter().map(|line| longest_run(line)).max();
    let fence = "`".repeat(longest.unwrap_or_default().max(2) + 1);
    let mut block = format!("{fence}{language}\n");
    for line in lines {
        block.push_str(&line);
        block.push('\n');
    }
    block + &fence + "\n"
}

/// Whether the sign at `index` is that of an address.
fn begins_link(line: &str, index: usize) -> bool {
    let (before, from) = line.split_at(index);
    from.starts_with("://") || from.starts_with('.') && before.to_ascii_lowercase().ends_with("www")
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    harmless(&line)
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|character| character != '`');
    runs.map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("587/inet offers AUTH in clear.", "587/inet offers AUTH in clear.")]
    #[case("*a* [b](c) <d> &amp;", "\\*a\\* \\[b\\](c) &lt;d&gt; &amp;amp;")]
    #[case("two\nlines", "two lines")]
    #[case("- item", "\\- item")]
    #[case("12. item", "12\\. item")]
    #[case("no - item", "no - item")]
    #[case("ask @team #1", "ask \\@<!-- -->team \\#<!-- -->1")]
    #[case("https://x www.x", "https\\://x www\\.x")]
    #[case("a\\.b", "a\\\\.b")]
    #[case("a\u{202e}b\u{1b}[2J", "a\u{fffd}b\u{fffd}\\[2J")]
    fn nothing_within_a_line_means_anything(#[case] text: &str, #[case] escaped: &str) {
        assert_eq!(inline(text), escaped);
    }

    #[rstest]
    #[case("a.mc:1", "`a.mc:1`")]
    #[case("`a", "`` `a ``")]
    #[case("a``b", "```a``b```")]
    #[case("a\n\nb", "`a b`")]
    fn code_ends_where_we_end_it(#[case] text: &str, #[case] escaped: &str) {
        assert_eq!(code(text), escaped);
    }

    #[test]
    fn no_line_ends_a_fence() {
        let block = fenced("diff", ["+a\n````\n# out", "-\tb"]);
        assert_eq!(block, "`````diff\n+a\n````\n# out\n-\tb\n`````\n");
    }

    #[test]
    fn nothing_within_a_summary_is_a_tag_or_a_link() {
        let text = html("</summary><img src=\"x\"> @team https://x");
        assert!(!text.contains("<img") && !text.contains("@team"), "{text}");
        assert!(!text.contains("https://"), "{text}");
    }
}
