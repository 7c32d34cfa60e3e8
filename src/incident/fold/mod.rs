//! The fold: what the log's facts add up to (law 1). References to what is not there are passed over, never a panic.

mod cause;
mod communication;
mod decision;
mod evidence;
mod first_minutes;
mod holds;
mod incident;
mod narrate;
mod pages;
mod postmortem;
mod rollback;
mod switches;
mod team;
mod tripwires;
mod worlds;
