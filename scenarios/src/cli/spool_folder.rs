//! Where the reference server keeps its mail unless it is told.

use std::path::PathBuf;

use super::Failure;

/// `$XDG_STATE_HOME/msaspec/spool`, or the same under `~/.local/state`.
pub(super) fn default() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| {
        let value = std::env::var_os(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    match state {
        Some(state) => Ok(state.join("msaspec/spool")),
        None => Err(Failure::Usage(
            "neither $XDG_STATE_HOME nor $HOME says where to keep mail: give --spool DIR"
                .to_owned(),
        )),
    }
}
