//! `--known FILE`: deviations that are known, with their reasons.

use std::path::Path;

use msaspec::catalogue;
use msaspec_harness::known::Known;

use super::{Failure, files};

/// Reads the file. Every id in it has to be that of a case.
pub(super) fn read(path: &Path) -> Result<Known, Failure> {
    let refuse = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
    let table: toml::Table = files::read_toml(path)?;
    let known = Known::parse(&table.to_string()).map_err(refuse)?;
    for id in known.ids() {
        if catalogue::case(id).is_none() {
            let ids = catalogue::cases().map(|(_, case)| case.id);
            let near = msaspec_server::did_you_mean(id, ids);
            return Err(refuse(format!("{id} is the id of no case{near}")));
        }
    }
    Ok(known)
}
