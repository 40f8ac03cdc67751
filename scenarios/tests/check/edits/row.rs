//! What a row of the table consists of.

/// One edit and what has to come of it.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The site's folder and the file in it: the `.mc` of that name, or one beside it.
    pub(super) path: &'static str,
    /// The line that changes.
    pub(super) line: usize,
    pub(super) edit: Edit,
    /// The sentences about what is different, all of them; none: nothing that is asked is different.
    pub(super) says: [Option<&'static str>; 4],
    /// The advice that is given then, among other advice.
    pub(super) advises: &'static [&'static str],
    /// The advice that is not given any more.
    pub(super) spares: &'static [&'static str],
    /// Words of the refusal, where the edit makes the configuration unusable.
    pub(super) refused: Option<&'static [&'static str]>,
    /// The time for cases, in seconds; 0: dialogues only.
    pub(super) budget: u64,
}

/// What is done to a file. What stands first is a part of the one line that is meant.
#[derive(Clone, Copy)]
pub(super) enum Edit {
    /// That part becomes another.
    Replace(&'static str, &'static str),
    /// The line goes.
    Remove(&'static str),
    /// A line comes in before it.
    Before(&'static str, &'static str),
    /// A line comes in at the end of the file.
    Append(&'static str),
}

impl Row {
    pub(super) const fn new(
        name: &'static str,
        path: &'static str,
        line: usize,
        edit: Edit,
    ) -> Row {
        Row {
            name,
            path,
            line,
            edit,
            says: [None; 4],
            advises: &[],
            spares: &[],
            refused: None,
            budget: 0,
        }
    }

    /// One more sentence.
    pub(super) const fn says(mut self, sentence: &'static str) -> Row {
        let mut place = 0;
        while self.says[place].is_some() {
            place += 1;
        }
        self.says[place] = Some(sentence);
        self
    }

    pub(super) const fn advises(self, advises: &'static [&'static str]) -> Row {
        Row { advises, ..self }
    }

    pub(super) const fn spares(self, spares: &'static [&'static str]) -> Row {
        Row { spares, ..self }
    }

    pub(super) const fn refused(self, words: &'static [&'static str]) -> Row {
        Row {
            refused: Some(words),
            ..self
        }
    }

    /// With the time that a check has by default.
    pub(super) const fn with_cases(self) -> Row {
        Row { budget: 60, ..self }
    }

    /// The site's folder, and the file that is edited.
    pub(super) fn site(&self) -> (&'static str, &'static str) {
        self.path.split_once('/').unwrap_or((self.path, self.path))
    }

    /// The lines that have to be named: as they were, and as they are.
    pub(super) fn places(&self) -> Vec<String> {
        let (site, file) = self.site();
        let old = match file == format!("{site}.mc") {
            true => format!("{site}.expect/site.mc:{}", self.line),
            false => format!("{file}:{}", self.line),
        };
        let new = format!("{file}:{}", self.line);
        match self.edit {
            Edit::Replace(..) => vec![old, new],
            Edit::Remove(_) => vec![old],
            Edit::Before(..) | Edit::Append(_) => vec![new],
        }
    }
}
