//! Why a command cannot be done now, in words that say what would help.

use super::{Command, Do, Need};
use crate::{
    cockpit::{
        link::Link,
        model::{Model, Pane},
        rows::RowId,
    },
    incident::{Right, Status, containment::SwitchState},
};

/// The reason it is unavailable; `None` when it can be done.
pub fn why_not(command: &Command, model: &Model) -> Option<String> {
    if let Some(right) = right(command.does).filter(|_| !allowed(command.does, model)) {
        return Some(format!("you may not {right} here; an operator may, or access.toml of the runbook says who"));
    }
    if let Some(reason) = missing(command.need, model) {
        return Some(reason);
    }
    let open = model.incident().is_some_and(|incident| incident.is_open());
    match command.does {
        Do::Resolve | Do::Severity | Do::Contained if !open => Some("this incident is not open; O reopens it".into()),
        Do::AckPages if model.incident().is_none_or(|it| it.paging.unanswered().next().is_none()) => {
            Some("it has no page that waits; 2 shows what its firings paged".into())
        }
        Do::Reopen if open => Some("this incident is open".into()),
        Do::Reopen if model.incident().is_some_and(|incident| incident.status == Status::Merged) => {
            Some("this incident was merged; reopen the one it went into".into())
        }
        Do::PlayDrill if matches!(model.link, Link::Offline { .. } | Link::Connecting) => {
            Some("the backend is not reached".into())
        }
        _ => None,
    }
}

/// Whether this person may do it at all (TEAM.6).
pub fn allowed(does: Do, model: &Model) -> bool {
    right(does).is_none_or(|right| may(model, right))
}

/// Whether the backend would take it of this person; before it said so, everything is tried.
fn may(model: &Model, right: Right) -> bool {
    let you = model.state.as_ref().map(|state| &state.you);
    you.is_none_or(|you| you.may.contains(&right) || you.may.is_empty() && you.may_act)
}

/// What a command needs; what only shows, moves or leaves needs nothing.
fn right(does: Do) -> Option<Right> {
    Some(match does {
        Do::Halt | Do::HaltHere | Do::HaltFromForm | Do::Fire | Do::Annotate | Do::Deny => Right::Engage,
        Do::Release => Right::Release,
        Do::Approve => Right::Approve,
        Do::Severity => Right::Severity,
        Do::Confirm | Do::Dismiss | Do::Contained | Do::DecideMove => Right::Vouch,
        Do::Acknowledge | Do::AckPages | Do::Expected => Right::Acknowledge,
        Do::PlayDrill
        | Do::DrillPlay
        | Do::DrillStep
        | Do::DrillSeek
        | Do::DrillFaster
        | Do::DrillSlower
        | Do::DrillInject
        | Do::DrillNote
        | Do::DrillHints
        | Do::DrillCut
        | Do::DrillAppoint
        | Do::DrillEnd => Right::Drill,
        Do::Declare
        | Do::DeclareFrom
        | Do::Harm
        | Do::Role
        | Do::AnswerFact
        | Do::WeighFactor
        | Do::AddAffected
        | Do::Note
        | Do::Resolve
        | Do::Reopen
        | Do::Undo
        | Do::Tick
        | Do::Impossible
        | Do::Verify
        | Do::OpenRollback
        | Do::RunStep
        | Do::RecordValue
        | Do::SignOff
        | Do::Window
        | Do::Operator
        | Do::Fault
        | Do::NewDraft
        | Do::EditHere
        | Do::EditOutside
        | Do::Send
        | Do::Agree
        | Do::Freeze
        | Do::SetItem
        | Do::Retract
        | Do::KeyEvent
        | Do::AddFinding
        | Do::RetractFinding
        | Do::SkipLayer
        | Do::AddChange
        | Do::JudgeChange
        | Do::AddRerun
        | Do::Accept
        | Do::ApproveRestart
        | Do::Correct
        | Do::AddTask
        | Do::EndTask
        | Do::DropTask
        | Do::Snooze
        | Do::AddLink
        | Do::Merge => Right::Work,
        Do::Restrict => Right::Vouch,
        _ => return None,
    })
}

fn missing(need: Need, model: &Model) -> Option<String> {
    if matches!(need, Need::InDrill | Need::Leading) {
        return outside(need, model);
    }
    let absent = match need {
        Need::Nothing | Need::Overlay => return None,
        _ if need_incident(need) && model.incident().is_none() => "no incident is open; D declares one",
        Need::Unconfirmed if model.incident().is_some_and(|incident| incident.confirmed) => {
            "a person confirmed this incident already"
        }
        Need::Firing if model.selected_firing().is_none() => "no firing is selected; 2 shows them",
        Need::Switch => match model.selected_switch() {
            None => "no switch is selected; 3 shows them, ! engages one",
            Some(switch) if switch.state == SwitchState::Released => "this switch was released already",
            Some(_) => return None,
        },
        Need::Hold if model.selected_hold().is_none() => "no call is selected; b shows those that wait",
        Need::Checklist if model.checklist().is_none() => "no checklist is open; o in pane 4 opens one",
        Need::Step if model.selected_step().is_none() => "no step is selected; 4 shows them",
        Need::Draft if model.draft().is_none() => "no draft has begun; o in pane 5 begins one",
        Need::Item if model.selected_item().is_none() => "no item is selected; v in pane 6 shows them",
        Need::Note if model.selected_note().is_none() => "no note is selected; 6 shows them",
        Need::Entry if model.selected_entry().is_none() => "no event is selected; 6 shows them",
        Need::Finding if model.selected_finding().is_none() => "no finding is selected; 7 shows them",
        Need::Change if !chosen(model, Pane::Investigation, |row| matches!(row, RowId::Change(_))) => {
            "no change is selected; c in pane 7 names one"
        }
        Need::Layer
            if !chosen(model, Pane::Investigation, |row| !matches!(row, RowId::Change(_) | RowId::Rerun(_))) =>
        {
            "no layer is selected; 7 shows them"
        }
        Need::Condition if !chosen(model, Pane::Restart, |row| matches!(row, RowId::Condition(_))) => {
            "no condition is selected; 8 shows them"
        }
        Need::Task if model.selected_task().is_none() => "no task is selected; 9 shows them",
        Need::Reminder if model.selected_reminder().is_none() => "no reminder is selected; 9 shows them",
        _ => return None,
    };
    Some(absent.to_owned())
}

/// Why a drill's command does not go here.
fn outside(need: Need, model: &Model) -> Option<String> {
    if model.world.is_none() {
        return Some("only in a drill's world; W enters one, P plays one".into());
    }
    let Some(take) = model.take() else { return Some("what is known of the drill has not come yet".into()) };
    let led = need != Need::Leading || model.led().is_some();
    (!led).then(|| format!("{} is led by {}; they may have you lead it too", take.id, take.started_by))
}

fn chosen(model: &Model, pane: Pane, of: impl Fn(&RowId) -> bool) -> bool {
    model.rows.of(pane).chosen().is_some_and(of)
}

fn need_incident(need: Need) -> bool {
    !matches!(need, Need::Nothing | Need::Overlay | Need::Firing | Need::Switch | Need::Hold)
}
