//! A spool as an earlier version left it: a file a message, and one for its progress.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::json;

use super::clients::body;

/// Writes so many messages. Every other has been tried, and every fourth was delivered but not
/// removed any more. The tokens of those that are still to arrive, and of those that have.
pub(crate) fn write(
    spool: &Path,
    round: u32,
    number: usize,
    expected: &mut BTreeSet<String>,
    delivered: &mut BTreeSet<String>,
) {
    for message in 0..number {
        let token = format!("old-{round}-{message}");
        let content = format!("Subject: {token}\r\n\r\n{}", body(&token));
        let envelope = json!({
            "arrival": jiff::Timestamp::now(),
            "size": content.len(),
            "sender": "alice@example.org",
            "recipients": ["bob@example.com"],
        });
        let id = format!("{round:012x}-{message:016x}");
        let state = ["pending", "delivered"][message / 2 % 2];
        if message % 2 == 1 {
            let progress = json!([{
                "address": "bob@example.com",
                "state": state,
                "last_answer": null,
                "attempts": 1,
                "last_attempt": null,
            }]);
            fs::write(spool.join(format!("{id}.state")), progress.to_string()).unwrap();
        }
        fs::write(
            spool.join(format!("{id}.msg")),
            format!("{envelope}\n{content}"),
        )
        .unwrap();
        match message % 2 == 1 && state == "delivered" {
            true => delivered.insert(token),
            false => expected.insert(token),
        };
    }
}

/// Messages that have not been taken over yet.
pub(crate) fn count(spool: &Path) -> usize {
    fs::read_dir(spool)
        .unwrap()
        .filter(|file| {
            let name = file.as_ref().map(fs::DirEntry::file_name);
            name.is_ok_and(|name| name.as_encoded_bytes().ends_with(b".msg"))
        })
        .count()
}
