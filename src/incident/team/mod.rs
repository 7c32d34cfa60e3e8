//! What people expect of any incident: tasks, links, reminders, hand-over, kin (TEAM.1, TEAM.2, TEAM.4, TEAM.8, TEAM.10,
//! TEAM.11, DET.6).

mod ask;
mod kin;
mod reminder;
mod state;
mod task;

pub use ask::{
    AddLink, AddTask, ChangeTask, EndTask, MarkEvent, Merge, Relate, RemoveLink, ReopenTask, SetField, Snooze, Split,
};
pub use kin::{Kinship, Related, SplitOff, TookIn};
pub use reminder::{Reminder, reminders};
pub use state::{HandOver, Link, LinkKind, Source, Team};
pub use task::{Task, TaskAdded, TaskEnd, TaskFrom, TaskState};
