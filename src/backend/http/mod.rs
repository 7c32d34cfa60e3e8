//! HTTP: routes by resource, one file each, over the Unix socket and TCP. Says no in problem+json; decides nothing.

pub mod extract;
mod problem;

pub use problem::answer_problem;
