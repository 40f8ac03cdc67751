//! The regression check of a sendmail configuration: what an `.mc` promises, what the server built from
//! it does on the wire, and what a change to it has changed.

pub mod advice;
pub mod baseline;
pub mod bisect;
pub mod cf;
pub mod daemon;
pub mod difference;
pub mod facts;
pub mod findings;
pub mod mc;
pub mod order;
pub mod promise;
pub mod report;
pub mod site;
pub mod supplies;

pub use order::{Hooks, Order, Outcome, Problem, check};
