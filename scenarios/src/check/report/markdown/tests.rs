use msaspec_harness::verdict::Verdict;

use super::*;
use crate::check::report::sample;

#[test]
fn a_comment_names_what_has_changed_and_what_to_do() {
    insta::assert_snapshot!(render(Some(&sample::compared()), &sample::run()), @r##"
    ### `origin.mc`: 3 differences to `origin.expect`

    - 587/inet asks for a login before MAIL. (`origin.mc:41`)
    - 587/inet offers HELP.
    - 587/inet offers LOGIN. (`origin.mc:41`)

    ```diff
    @@ origin.mc:3 @@
    +dnl # a remark
    @@ origin.mc:41 @@
    -DAEMON_OPTIONS(`Port=587, M=E')dnl
    @@ origin.mc:41 @@
    +DAEMON_OPTIONS(`Port=587, M=Ea')dnl
    ```

    **Fault `password-in-clear`** at `origin.mc:41`: PLAIN and LOGIN are offered before TLS. Whoever is on the way reads the password. (RFC 4954 section 4)

    Paste into the .mc\:

    ```m4
    define(`confAUTH_OPTIONS', `A p y')dnl
    ```

    **Hint `no-dnl`**: A line does not end with dnl. An empty line goes to the .cf. (cf/README)

    - `587/inet6` is promised and not open

    Supplied: account alice, next hop for every domain.

    <details><summary>587/inet: MAIL before login</summary>

    ```diff
    -S: 250 2.1.0 [text]
    +S: 530 5.7.0 [text]
    ```

    </details>

    <details><summary>Lines of the .cf that differ</summary>

    ```diff
    +O Option0
    +O Option1
    +O Option2
    +O Option3
    +O Option4
    +O Option5
    +O Option6
    +O Option7
    +O Option8
    +O Option9
    +O Option10
    +O Option11
    +O Option12
    +O Option13
    +O Option14
    +O Option15
    +O Option16
    +O Option17
    +O Option18
    +O Option19
    +O Option20
    +O Option21
    +O Option22
    +O Option23
    +O Option24
    +O Option25
    +O Option26
    +O Option27
    +O Option28
    +O Option29
    ```

    </details>

    <details><summary>What the configuration promises</summary>

    - **listener 587/inet** at `origin.mc:41`: Mail is submitted here.
    - **MaxMessageSize** by default: Messages may have any size.

    </details>

    <details><summary>Cases that were not asked</summary>

    - `rfc5321-4.5.3.2-timeout`: it waits for 300 s

    </details>
    "##);
}

#[test]
fn without_a_baseline_faults_are_counted() {
    let run = sample::run_of(vec![sample::case("rfc5321-3.6.2-relay", Verdict::Fail)]);
    let text = render(Some(&sample::findings()), &run);
    assert!(
        text.starts_with("### `origin.mc`: 2 faults, and nothing"),
        "{text}"
    );
    assert!(
        text.contains("- `rfc5321-3.6.2-relay` No stranger relays."),
        "{text}"
    );
}

#[test]
fn why_nothing_was_checked_is_told() {
    let text = render(None, &sample::unjudged("origin.mc:2: ``` odd"));
    let expected =
        "### `origin.mc`: could not be checked\n\n````text\norigin.mc:2: ``` odd\n````\n";
    assert_eq!(text, expected);
}

#[test]
fn no_foreign_text_formats_links_or_calls() {
    let text = render(Some(&sample::hostile()), &sample::run());
    assert!(text.len() < 65_536, "{}", text.len());
    assert!(text.contains("1 more part did not fit here"), "{text}");
    assert!(
        !text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
        "{text}"
    );
    let outside = outside_of_code(&text);
    assert!(
        !outside.contains("<script") && !outside.contains("@team"),
        "{outside}"
    );
    assert!(
        !outside.contains("[x](") && !outside.contains("https://"),
        "{outside}"
    );
    assert_eq!(
        outside.matches("<details>").count(),
        outside.matches("\n</details>").count()
    );
}

/// As CommonMark reads it: fences end with as many backticks as they began with, and so do spans.
fn outside_of_code(text: &str) -> String {
    let mut outside = String::new();
    let mut fence: Option<usize> = None;
    for line in text.lines() {
        let ticks = line.chars().take_while(|c| *c == '`').count();
        let is_bare = line.chars().skip(ticks).all(|c| c.is_ascii_alphanumeric());
        match fence {
            Some(length) if ticks >= length && line.len() == ticks => fence = None,
            Some(_) => {}
            None if ticks >= 3 && is_bare => fence = Some(ticks),
            None => outside += &(without_spans(line) + "\n"),
        }
    }
    assert_eq!(fence, None, "a fence stays open: {text}");
    outside
}

fn without_spans(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let (before, from) = rest.split_at(start);
        if before.ends_with('\\') {
            outside += before;
            rest = &from[1..];
            continue;
        }
        outside += before;
        let ticks = from.len() - from.trim_start_matches('`').len();
        let (open, within) = from.split_at(ticks);
        let end = within.match_indices(open).find(|(at, _)| {
            !within[at + ticks..].starts_with('`') && !within[..*at].ends_with('`')
        });
        let (at, _) = end.expect("a span that ends");
        rest = &within[at + ticks..];
    }
    outside + rest
}
