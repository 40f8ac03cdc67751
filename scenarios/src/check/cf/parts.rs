//! What the lines of a `.cf` declare.

use std::collections::BTreeSet;

use super::options;

/// The members of a class (`C`), and the files that more of them are read from (`F`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// Members that stand in the `.cf` itself.
    pub members: BTreeSet<String>,
    /// Files with more members.
    pub files: Vec<ClassFile>,
}

/// A file with members of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFile {
    /// The name of the class, without braces.
    pub class: String,
    /// The path; a program with `|` before it, or a map with `@` in it, is kept as it stands.
    pub path: String,
    /// The file may be missing (`-o`).
    pub optional: bool,
    /// How a line is read, if that is said.
    pub format: Option<String>,
}

/// A map (`K`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The name that rules call it by.
    pub name: String,
    /// The kind, such as `hash`, `dns` or `regex`.
    pub class: String,
    /// The words that begin with `-`.
    pub flags: Vec<String>,
    /// What is left: the path of a file, an expression, the names of other maps.
    pub argument: String,
    /// The line.
    pub line: String,
}

impl Map {
    /// The file that it is looked up in, without the ending that its kind adds.
    pub fn file(&self) -> Option<&str> {
        let from_file = [
            "hash", "btree", "dbm", "ndbm", "cdb", "text", "stab", "implicit",
        ];
        let known = from_file
            .iter()
            .any(|kind| self.class.eq_ignore_ascii_case(kind));
        (known && !self.argument.is_empty()).then_some(self.argument.as_str())
    }

    /// The file may be missing (`-o`).
    pub fn optional(&self) -> bool {
        self.flags.iter().any(|flag| flag == "-o")
    }
}

/// A mailer (`M`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailer {
    /// The name that rules call it by.
    pub name: String,
    /// The program (`P=`), or `[IPC]`.
    pub path: String,
    /// The flags (`F=`).
    pub flags: String,
    /// The words of the command (`A=`).
    pub arguments: Vec<String>,
    /// The line.
    pub line: String,
}

impl Mailer {
    /// The port that it connects to, where it speaks over TCP and one other than 25 is named.
    pub fn port(&self) -> Option<u16> {
        let network = ["[IPC]", "[TCP]"].contains(&self.path.to_uppercase().as_str());
        let tcp = ["TCP", "IPC"].contains(&self.arguments.first()?.to_uppercase().as_str());
        let port = self.arguments.get(2).filter(|_| network && tcp)?;
        port.parse()
            .ok()
            .or_else(|| options::service(port))
            .filter(|port| *port != 25)
    }
}

/// A milter (`X`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milter {
    /// Its name, which InputMailFilters calls it by.
    pub name: String,
    /// Where it listens (`S=`).
    pub socket: String,
    /// What happens when it does not answer (`F=`): `R`, `T`, `4`, or nothing.
    pub flag: Option<char>,
    /// The line.
    pub line: String,
}

/// A ruleset (`S`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruleset {
    /// Its name, without the number.
    pub name: String,
    /// Its rules, in order, from every place that adds to it.
    pub rules: Vec<String>,
}

/// An option (`O`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CfOption<'a> {
    /// Its long name, also where the line has the old letter.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
    /// The line.
    pub line: &'a str,
}
