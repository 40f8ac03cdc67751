//! The regression check of a sendmail configuration: what an `.mc` promises, what the server built from
//! it does on the wire, and what a change to it has changed.

pub mod advice;
pub mod baseline;
pub mod bisect;
pub mod budget;
pub mod cf;
pub mod comparison;
pub mod complaint;
pub mod daemon;
pub mod dialogue;
pub mod difference;
pub mod examination;
pub mod facts;
pub mod findings;
pub mod limits;
pub mod mc;
pub mod order;
pub mod promise;
pub mod provenance;
pub mod report;
pub mod search;
pub mod served;
pub mod site;
pub mod supplies;
pub mod workshop;

pub use order::{Hooks, Order, Outcome, Problem, check};
