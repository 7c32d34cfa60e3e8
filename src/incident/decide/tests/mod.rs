//! Every rule as a table, by family; and any sequence of commands at all.

mod access;
mod agents;
mod auto;
mod communication;
mod containment;
mod decision;
mod declare;
mod drills;
mod evidence;
mod firings;
mod first_minutes;
mod holds;
mod lifecycle;
mod pages;
mod phase;
mod postmortem;
mod proof;
mod restart;
mod restriction;
mod rollback;
mod sequences;
mod severity;
mod stages;
mod story;
mod team;
mod working;
