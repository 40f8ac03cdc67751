//! The `.cf` that m4 made: its lines, and what stands on them.

mod lines;
mod options;
mod parts;

pub use options::service;
pub use parts::{CfOption, Class, ClassFile, Mailer, Map, Milter, Ruleset};

/// A `.cf` by its lines, without comments; lines that are continued are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cf {
    lines: Vec<String>,
}

impl Cf {
    /// Reads a `.cf`. Whatever cannot be understood is kept as a line.
    pub fn parse(text: &str) -> Cf {
        Cf {
            lines: lines::joined(text),
        }
    }

    /// All lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What a difference between two of them is shown by: everything but the version it was built for.
    pub fn comparable(&self) -> Vec<String> {
        let lines = self.lines.iter().filter(|line| !line.starts_with("DZ"));
        lines.cloned().collect()
    }

    /// The last value of an option, by its long name without regard to case.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options(name).pop()
    }

    /// All values of an option, in order.
    pub fn options(&self, name: &str) -> Vec<&str> {
        let all = self.every_option().into_iter();
        all.filter(|option| option.name.eq_ignore_ascii_case(name))
            .map(|option| option.value)
            .collect()
    }

    /// The last line that sets an option.
    pub fn option_line(&self, name: &str) -> Option<&str> {
        let options = self.every_option();
        let mut named = options
            .iter()
            .filter(|option| option.name.eq_ignore_ascii_case(name));
        named.next_back().map(|option| option.line)
    }

    /// Every option, in order.
    pub fn every_option(&self) -> Vec<CfOption<'_>> {
        self.lines
            .iter()
            .filter_map(|line| options::read(line))
            .collect()
    }

    /// The value of a macro (`D`), by its letter or its name without braces.
    pub fn macro_(&self, name: &str) -> Option<&str> {
        self.after('D', name).next_back()
    }

    /// A class, by its letter or its name without braces.
    pub fn class(&self, name: &str) -> Class {
        let members = self.after('C', name).flat_map(str::split_whitespace);
        let files = self.class_files().into_iter();
        Class {
            members: members.map(str::to_owned).collect(),
            files: files.filter(|file| file.class == name).collect(),
        }
    }

    /// The lines that name members of a class (`C`), and the members of each.
    pub fn class_lines(&self, name: &str) -> Vec<(&str, Vec<&str>)> {
        let lines = self.lines.iter();
        lines
            .filter_map(|line| Some((line.as_str(), lines::members(line, name)?)))
            .collect()
    }

    /// Every file that a class is read from.
    pub fn class_files(&self) -> Vec<ClassFile> {
        let files = self.lines.iter().filter_map(|line| line.strip_prefix('F'));
        files.filter_map(lines::class_file).collect()
    }

    /// The maps, in order.
    pub fn maps(&self) -> Vec<Map> {
        self.lines
            .iter()
            .filter_map(|line| lines::map(line))
            .collect()
    }

    /// A map by its name.
    pub fn map(&self, name: &str) -> Option<Map> {
        self.maps().into_iter().find(|map| map.name == name)
    }

    /// The mailers, in order.
    pub fn mailers(&self) -> Vec<Mailer> {
        self.lines
            .iter()
            .filter_map(|line| lines::mailer(line))
            .collect()
    }

    /// The milters, in order.
    pub fn milters(&self) -> Vec<Milter> {
        self.lines
            .iter()
            .filter_map(|line| lines::milter(line))
            .collect()
    }

    /// The rulesets, in the order in which they first appear.
    pub fn rulesets(&self) -> Vec<Ruleset> {
        let mut rulesets: Vec<Ruleset> = Vec::new();
        let mut current = None;
        for line in &self.lines {
            if let Some(rest) = line.strip_prefix('S') {
                let name = rest.split('=').next().unwrap_or_default().trim();
                let known = rulesets.iter().position(|ruleset| ruleset.name == name);
                current = known.or(Some(rulesets.len()));
                if known.is_none() {
                    rulesets.push(Ruleset {
                        name: name.to_owned(),
                        rules: Vec::new(),
                    });
                }
            } else if line.starts_with('R')
                && let Some(ruleset) = current.and_then(|place| rulesets.get_mut(place))
            {
                ruleset.rules.push(line.clone());
            }
        }
        rulesets
    }

    /// The rules of a ruleset; none where there is no such ruleset.
    pub fn rules(&self, name: &str) -> Vec<String> {
        let mut named = self
            .rulesets()
            .into_iter()
            .filter(|ruleset| ruleset.name == name);
        named
            .next()
            .map(|ruleset| ruleset.rules)
            .unwrap_or_default()
    }

    /// The first line with these words in it.
    pub fn line_with(&self, words: &str) -> Option<&str> {
        let mut lines = self.lines.iter().filter(|line| line.contains(words));
        lines.next().map(String::as_str)
    }

    fn after<'a, 'n>(
        &'a self,
        kind: char,
        name: &'n str,
    ) -> impl DoubleEndedIterator<Item = &'a str> + use<'a, 'n> {
        let lines = self
            .lines
            .iter()
            .filter_map(move |line| line.strip_prefix(kind));
        lines
            .filter_map(lines::named)
            .filter(move |(found, _)| *found == name)
            .map(|(_, rest)| rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const SITE: &str = "V10/Berkeley\n\
        # built by root@site on a Tuesday\n\
        Cwlocalhost\n\
        Cwmail.site.example  # ours\n\
        Fw-o /etc/mail/local-host-names %[^\\#]\n\
        DSesmtp:[sink.test]\n\
        C{TrustAuthMech}LOGIN PLAIN\n\
        F{VirtHost}-o /etc/mail/virtdomains\n\
        FR/etc/mail/relay-domains\n\
        DZ8.17.1.9\n\
        Kaccess hash -o -T<TMPF> /etc/mail/access\n\
        Kdnsbl dns -R A -T<TMP>\n\
        O AliasFile=/etc/mail/aliases\n\
        O DaemonPortOptions=Name=MTA\n\
        O daemonportoptions = Port=587, Name=MSA, M=E\n\
        Op authwarnings\n\
        OA/etc/aliases\n\
        \n\
        Scanonify=3\n\
        R$@\t\t\t$@ <@>\n\
        R$*\t\t$: $1 <@>\t\t\tmark addresses\n\
        \t\t$: really\n\
        Sgreet_pause\n\
        R<?> <$*>\t\t$# 1000\n\
        Scanonify\n\
        R$+\t\t$@ $#local\n\
        Xclamav, S=local:/run/clamav/milter.sock, F=T, T=S:4m;R:4m\n\
        Xspam, S=inet:8895@127.0.0.1\n\
        Mesmtp,\t\tP=[IPC], F=mDFMuXa, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\\r\\n, L=990,\n\
        \t\tT=DNS/RFC822/SMTP,\n\
        \t\tA=TCP $h 2626\n\
        Mlocal,\t\tP=/usr/bin/procmail, F=lsDFMAw5:/|@qSPfhn9, S=EnvFromL/HdrFromL,\n\
        \t\tA=procmail -a $h -d $u\n";

    #[test]
    fn options_are_found_by_name_and_by_letter() {
        let cf = Cf::parse(SITE);
        assert_eq!(
            cf.options("DaemonPortOptions"),
            ["Name=MTA", "Port=587, Name=MSA, M=E"]
        );
        assert_eq!(cf.option("PrivacyOptions"), Some("authwarnings"));
        assert_eq!(cf.option("AliasFile"), Some("/etc/aliases"));
        assert_eq!(cf.option_line("aliasfile"), Some("OA/etc/aliases"));
        assert_eq!(cf.option("AuthOptions"), None);
    }

    #[test]
    fn macros_and_classes_are_found() {
        let cf = Cf::parse(SITE);
        assert_eq!(cf.macro_("S"), Some("esmtp:[sink.test]"));
        assert_eq!(cf.macro_("M"), None);
        let hosts = cf.class("w");
        assert_eq!(
            hosts.members,
            ["localhost", "mail.site.example"].map(str::to_owned).into()
        );
        assert_eq!(hosts.files[0].path, "/etc/mail/local-host-names");
        assert!(hosts.files[0].optional && hosts.files[0].format.is_some());
        assert_eq!(cf.class("TrustAuthMech").members.len(), 2);
        assert!(!cf.class("R").files[0].optional);
        assert!(cf.class("VirtHost").files[0].optional);
    }

    #[test]
    fn maps_mailers_and_milters_are_found() {
        let cf = Cf::parse(SITE);
        let access = cf.map("access").unwrap();
        assert_eq!(access.file(), Some("/etc/mail/access"));
        assert!(access.optional());
        assert_eq!(cf.map("dnsbl").unwrap().file(), None);
        let mailers = cf.mailers();
        assert_eq!(
            (mailers[0].name.as_str(), mailers[0].port()),
            ("esmtp", Some(2626))
        );
        assert_eq!(mailers[1].path, "/usr/bin/procmail");
        assert_eq!(mailers[1].arguments[4], "$u");
        let milters = cf.milters();
        assert_eq!((milters[0].flag, milters[1].flag), (Some('T'), None));
        assert_eq!(milters[0].socket, "local:/run/clamav/milter.sock");
    }

    #[test]
    fn a_ruleset_is_whole_and_continued_lines_are_one() {
        let cf = Cf::parse(SITE);
        let rules = cf.rules("canonify");
        assert_eq!(rules.len(), 3);
        assert_eq!(rules[1], "R$*\t\t$: $1 <@>\t\t\tmark addresses\t$: really");
        assert_eq!(rules[2], "R$+\t\t$@ $#local");
        assert_eq!(cf.rules("greet_pause"), ["R<?> <$*>\t\t$# 1000"]);
    }

    #[test]
    fn neither_comments_nor_the_version_are_compared() {
        let lines = Cf::parse(SITE).comparable();
        assert!(
            !lines
                .iter()
                .any(|line| line.contains("8.17.1.9") || line.contains("built by"))
        );
        assert!(lines.iter().any(|line| line.starts_with("R<?>")));
    }

    #[rstest]
    #[case("")]
    #[case("\tno line before\nO\nO \nK\nKx\nM\nM,\nX\nX,\nS\nC\nC{\nF\nF{x\nD\nD{}\nO é=ü\nÿ")]
    #[case("Mx, A=\nMy, P=[IPC], A=TCP\nFé\nDé\nR\n#\n$#\n\\#")]
    fn nothing_makes_it_stumble(#[case] text: &str) {
        let cf = Cf::parse(text);
        let _ = (
            cf.every_option(),
            cf.maps(),
            cf.mailers(),
            cf.milters(),
            cf.rulesets(),
        );
        let _ = (cf.class("w"), cf.macro_("S"), cf.comparable());
        assert!(cf.mailers().iter().all(|mailer| mailer.port().is_none()));
    }
}
