//! (written next)
use msaspec_harness::case::Chapter;

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "login",
    cases: &[],
    untested: &[],
};
