//! The `.mc` and the files beside it, as the container will see them in /etc/mail.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::mc::Mc;

mod folder;
mod needed;

/// A configuration with everything that it may name.
#[derive(Clone, Debug)]
pub struct Site {
    /// The `.mc`.
    pub mc: Mc,
    /// Where it was read.
    pub path: PathBuf,
    /// The folder that it stands in.
    pub folder: PathBuf,
    /// The files of the folder, the `.mc` among them: path inside the folder, with `/`, and content.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What was not taken along, and why.
    pub left_out: Vec<(String, String)>,
    /// Folders beneath it that have an `.mc` of their own: they were not taken along either.
    pub other_sites: Vec<String>,
}

impl Site {
    /// Reads an `.mc` and the plain files beside and beneath it. Nothing outside of its folder is read.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let folder = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_owned(),
            None => return Err(format!("{name}: is a folder: name an .mc file in it")),
        };
        let octets =
            folder::configuration(path, &folder).map_err(|why| format!("{name}: {why}"))?;
        let mc = Mc::parse(&name, &octets)?;
        let calls_macros = mc.statements.iter().any(|it| !it.name.is_empty());
        if !calls_macros && mc.unclosed.is_none() {
            return Err(format!(
                "{name}: calls no macro, as OSTYPE or MAILER: name the .mc that your .cf is made from"
            ));
        }
        let file = path
            .file_name()
            .and_then(|file| file.to_str())
            .ok_or_else(|| format!("{name}: the name of the file is no UTF-8: rename it"))?;
        let read = folder::read(&folder, file).map_err(|why| format!("{name}: {why}"))?;
        let mut files = read.files;
        files.insert(file.to_owned(), octets);
        Ok(Self {
            mc,
            path: path.to_owned(),
            folder,
            files,
            left_out: read.left_out,
            other_sites: read.other_sites,
        })
    }

    /// The name of the `.mc` in its folder.
    pub fn file_name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// A file of the folder as messages name it.
    pub fn beside(&self, file: &str) -> String {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => {
                folder.join(file).display().to_string()
            }
            _ => file.to_owned(),
        }
    }

    /// The same site with another text of its `.mc`.
    ///
    /// # Errors
    /// As [`Mc::parse`].
    pub fn with_mc(&self, octets: Vec<u8>) -> Result<Site, String> {
        let mut site = self.clone();
        site.mc = Mc::parse(&self.mc.name, &octets)?;
        site.files.insert(self.file_name(), octets);
        Ok(site)
    }

    /// Why the check cannot be made, where a text (an `.mc` or a `.cf`) names a file that was left out.
    pub fn needed_but_left_out(&self, text: &str) -> Option<String> {
        let left_out = self.left_out.iter();
        let left_out = left_out.map(|(name, why)| (name, why.as_str()));
        let others = self.other_sites.iter();
        let others = others.map(|name| (name, "is the folder of another .mc"));
        let (name, why) = left_out
            .chain(others)
            .find(|(name, _)| !self.is_map_of_a_text(name) && needed::names(text, name))?;
        Some(format!(
            "{name}: {why}, and the configuration needs it: put a copy into the folder"
        ))
    }

    /// A map that is built again from a text beside it is missed by nobody.
    fn is_map_of_a_text(&self, name: &str) -> bool {
        name.strip_suffix(".db")
            .is_some_and(|text| self.files.contains_key(text))
    }
}

#[cfg(test)]
mod tests;
