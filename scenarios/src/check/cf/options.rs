//! Options by their long names and by the letters of old.

use super::CfOption;

/// An option of either form: `O Name=value`, or a letter with the value right after it.
pub(super) fn read(line: &str) -> Option<CfOption<'_>> {
    let rest = line.strip_prefix('O')?;
    if let Some(long) = rest.strip_prefix([' ', '\t']) {
        let (name, value) = long.split_once('=').unwrap_or((long, ""));
        return Some(CfOption {
            name: name.trim(),
            value: value.trim(),
            line,
        });
    }
    let letter = rest.chars().next()?;
    let (_, name) = LETTERS.iter().find(|(found, _)| *found == letter)?;
    let value = rest.get(letter.len_utf8()..)?.trim();
    Some(CfOption { name, value, line })
}

/// The port of a service, as Debian's `/etc/services` has it for mail.
pub fn service(name: &str) -> Option<u16> {
    match name {
        "smtp" | "mail" => Some(25),
        "submission" => Some(587),
        "submissions" | "ssmtp" | "smtps" | "urd" => Some(465),
        _ => None,
    }
}

const LETTERS: &[(char, &str)] = &[
    ('7', "SevenBitInput"),
    ('8', "EightBitMode"),
    ('A', "AliasFile"),
    ('a', "AliasWait"),
    ('B', "BlankSub"),
    ('b', "MinFreeBlocks"),
    ('C', "CheckpointInterval"),
    ('c', "HoldExpensive"),
    ('d', "DeliveryMode"),
    ('E', "ErrorHeader"),
    ('e', "ErrorMode"),
    ('F', "TempFileMode"),
    ('f', "SaveFromLine"),
    ('G', "MatchGECOS"),
    ('g', "DefaultUser"),
    ('H', "HelpFile"),
    ('h', "MaxHopCount"),
    ('I', "ResolverOptions"),
    ('i', "IgnoreDots"),
    ('J', "ForwardPath"),
    ('j', "SendMimeErrors"),
    ('K', "ConnectionCacheTimeout"),
    ('k', "ConnectionCacheSize"),
    ('L', "LogLevel"),
    ('l', "UseErrorsTo"),
    ('m', "MeToo"),
    ('n', "CheckAliases"),
    ('O', "DaemonPortOptions"),
    ('o', "OldStyleHeaders"),
    ('P', "PostmasterCopy"),
    ('p', "PrivacyOptions"),
    ('Q', "QueueDirectory"),
    ('q', "QueueFactor"),
    ('R', "DontPruneRoutes"),
    ('r', "Timeout"),
    ('S', "StatusFile"),
    ('s', "SuperSafe"),
    ('T', "Timeout.queuereturn"),
    ('t', "TimeZoneSpec"),
    ('U', "UserDatabaseSpec"),
    ('u', "DefaultUser"),
    ('V', "FallbackMXhost"),
    ('v', "Verbose"),
    ('w', "TryNullMXList"),
    ('X', "RefuseLA"),
    ('x', "QueueLA"),
    ('Y', "ForkEachJob"),
    ('y', "RecipientFactor"),
    ('Z', "RetryFactor"),
    ('z', "ClassFactor"),
];
