//! Who may do what: one table, pure (law 11, protocol 4). Every route and every command asks it; nothing else decides.

pub use crate::incident::Right;
use crate::{
    incident::{Command, IncidentCommand, Role, first_minutes::AnswerFact},
    terms::words,
};

words! {
    /// As what somebody stands before the table.
    Standing, "a standing" {
        /// A person on the socket, or with an operator's token.
        Operator = "operator",
        /// A viewer's token.
        Viewer = "viewer",
        /// A script's token.
        Automation = "automation",
        /// A gateway's token.
        Gateway = "gateway",
        /// An agent's token.
        Agent = "agent",
        /// No token, on loopback, from the backend's own user.
        Loopback = "loopback",
        /// Nobody we know.
        Stranger = "stranger",
    }
}

impl From<Role> for Standing {
    fn from(role: Role) -> Self {
        match role {
            Role::Operator => Self::Operator,
            Role::Viewer => Self::Viewer,
            Role::Automation => Self::Automation,
            Role::Gateway => Self::Gateway,
            Role::Agent => Self::Agent,
        }
    }
}

/// The table (protocol 4).
pub fn may(standing: Standing, right: Right) -> bool {
    use Right::{
        Acknowledge, Approve, Check, Declare, Drill, Engage, Health, Internal, Lease, Override, Release, Report,
        Runbook, Severity, Stop, Ticket, Tokens, Vouch, Watch, Work,
    };
    match standing {
        Standing::Operator => right != Internal,
        Standing::Viewer => matches!(right, Health | Ticket | Watch),
        Standing::Automation => match right {
            Health | Report | Check | Ticket | Lease | Watch | Work | Engage | Declare | Acknowledge | Drill => true,
            Vouch | Severity | Release | Approve | Override | Runbook | Tokens | Stop | Internal => false,
        },
        Standing::Gateway | Standing::Agent | Standing::Loopback => {
            matches!(right, Health | Report | Check | Ticket | Lease)
        }
        Standing::Stranger => matches!(right, Health | Ticket),
    }
}

/// What a command needs.
pub fn needed(command: &Command) -> Right {
    match command {
        Command::Declare(_) => Right::Work,
        Command::OnIncident { ask, .. } => needed_on_incident(ask),
        Command::Engage(_) | Command::Annotate { .. } | Command::FireActuators { .. } => Right::Engage,
        // What a tripwire may do by itself is given out by those who may take it back (CON.14).
        Command::Release { .. } | Command::SetAuto(_) => Right::Release,
        Command::DecideHolds { approve: true, .. } => Right::Approve,
        // Denying restrains, like a switch.
        Command::DecideHolds { approve: false, .. } => Right::Engage,
        Command::DeclareAgents { .. } => Right::Declare,
        Command::AckFiring { .. } => Right::Acknowledge,
        // What pages nobody lets harm go on unseen.
        Command::MuteTripwire(_) | Command::UnmuteTripwire(_) => Right::Vouch,
        Command::TakeRunbook(_) => Right::Runbook,
        Command::ReportFault(_) => Right::Work,
        Command::SettleFault(_) => Right::Vouch,
        Command::MakeToken { .. } | Command::RevokeToken { .. } => Right::Tokens,
        Command::StartDrill { .. } | Command::EndDrill { .. } | Command::SteerDrill(_) => Right::Drill,
        Command::Fire { .. }
        | Command::TellDrill(_)
        | Command::RecordPlayed(_)
        | Command::BeginSession(_)
        | Command::EndSession(_)
        | Command::RecordPage(_)
        | Command::RecordTold(_)
        | Command::Prove { .. }
        | Command::Begin { .. }
        | Command::AnswerActuator { .. }
        | Command::OpenHold(_)
        | Command::UseHolds { .. }
        | Command::EndHolds { .. } => Right::Internal,
    }
}

/// What lifts a restraint: a release, an approval, an override. From a person whose keys are known it is signed (protocol 4).
pub fn lifts(command: &Command) -> bool {
    matches!(command, Command::Release { .. }) || matches!(needed(command), Right::Approve | Right::Override)
}

fn needed_on_incident(ask: &IncidentCommand) -> Right {
    match ask {
        IncidentCommand::SetSeverity { .. } => Right::Severity,
        IncidentCommand::AnswerFact(AnswerFact { settle: Some(_), .. }) => Right::Vouch,
        // A decision is a person's, as is going on before the freeze.
        IncidentCommand::ChooseMove(_) => Right::Vouch,
        IncidentCommand::OverrideEvidence { .. } => Right::Override,
        IncidentCommand::AppendEvidence(_)
        | IncidentCommand::LoseEvidence(_)
        | IncidentCommand::RecordDelivery(_)
        | IncidentCommand::RecordPage(_)
        | IncidentCommand::RecordTold(_) => Right::Internal,
        IncidentCommand::AckPages { .. } => Right::Acknowledge,
        // A legal hold is a person's word, and more so its end.
        IncidentCommand::HoldEvidence { .. } | IncidentCommand::LiftEvidence { .. } => Right::Vouch,
        IncidentCommand::Confirm {}
        | IncidentCommand::Dismiss { .. }
        | IncidentCommand::DeclareContained { .. }
        | IncidentCommand::AcceptCondition(_)
        | IncidentCommand::ApproveRestart(_)
        | IncidentCommand::Merge(_)
        | IncidentCommand::Restrict(_)
        | IncidentCommand::LiftRestriction(_)
        | IncidentCommand::Split(_) => Right::Vouch,
        IncidentCommand::EnterRestricted(_) => Right::Override,
        IncidentCommand::Resolve { over: Some(_), .. } | IncidentCommand::Close { over: Some(_) } => Right::Override,
        // Something may be missing: whoever files over that, overrides.
        IncidentCommand::FilePostmortem(filed) if filed.over.is_some() => Right::Override,
        IncidentCommand::SetPostmortem(_)
        | IncidentCommand::DropCase(_)
        | IncidentCommand::SettleDelta(_)
        | IncidentCommand::FilePostmortem(_)
        | IncidentCommand::Assign { .. }
        | IncidentCommand::Note { .. }
        | IncidentCommand::RetractNote { .. }
        | IncidentCommand::ConfirmHarm { .. }
        | IncidentCommand::SetEarliestAction { .. }
        | IncidentCommand::EstimateBlast { .. }
        | IncidentCommand::OpenRollback { .. }
        | IncidentCommand::TickStep { .. }
        | IncidentCommand::UntickStep { .. }
        | IncidentCommand::MarkImpossible { .. }
        | IncidentCommand::WorkRollback(_)
        | IncidentCommand::VerifyRollback { .. }
        | IncidentCommand::StartDraft { .. }
        | IncidentCommand::EditDraft { .. }
        | IncidentCommand::WriteDraft { .. }
        | IncidentCommand::SendDraft { .. }
        | IncidentCommand::FreezeEvidence(_)
        | IncidentCommand::SetEvidence(_)
        | IncidentCommand::AddAffected(_)
        | IncidentCommand::SetAffected(_)
        | IncidentCommand::AddFinding(_)
        | IncidentCommand::RetractFinding(_)
        | IncidentCommand::SkipLayer(_)
        | IncidentCommand::AddChange(_)
        | IncidentCommand::JudgeChange(_)
        | IncidentCommand::AddRerun(_)
        | IncidentCommand::AddCorrection(_)
        | IncidentCommand::AddTask(_)
        | IncidentCommand::ChangeTask(_)
        | IncidentCommand::EndTask(_)
        | IncidentCommand::ReopenTask(_)
        | IncidentCommand::MarkEvent(_)
        | IncidentCommand::AddLink(_)
        | IncidentCommand::RemoveLink(_)
        | IncidentCommand::Snooze(_)
        | IncidentCommand::SetField(_)
        | IncidentCommand::Relate(_)
        | IncidentCommand::AgreeDraft(_)
        | IncidentCommand::Resolve { over: None, .. }
        | IncidentCommand::Reopen { .. }
        | IncidentCommand::AnswerFact(_)
        | IncidentCommand::JudgeCriterion(_)
        | IncidentCommand::WeighFactor(_)
        | IncidentCommand::Close { over: None } => Right::Work,
    }
}

/// What asking for a path needs; commands are judged again by [`needed`] once they are read.
///
/// `writes` is any method but GET and HEAD. Paths nobody serves need [`Right::Watch`], so that strangers learn nothing.
pub fn of_path(writes: bool, path: &str) -> Right {
    use crate::api::path as at;
    let under = |root: &str| path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    // A client waits on its own hold, and gives it up; the board, and a word on it, are for people.
    let one_hold = under(at::HOLDS) && path != at::HOLDS && !path.ends_with("/decide");
    // Who logs in is nobody yet; the link in a page says itself whose it is.
    if matches!(path, at::HEALTH | at::READY | at::ACK | at::OPENAPI) || under(at::LOGIN) {
        Right::Health
    } else if writes && (under(at::ACTIONS) || under(at::TRACES)) {
        Right::Report
    } else if under(at::LEASE) || under(at::STREAM) {
        Right::Lease
    } else if path == at::OFREP_STREAM && !writes {
        Right::Ticket
    } else if under("/v1/interlock") || under("/ofrep") || one_hold {
        Right::Check
    } else if under(at::ALERTS) || path == at::WRITING {
        Right::Work
    } else if under(at::TOKENS) {
        Right::Tokens
    } else if under(at::STOP) {
        Right::Stop
    } else if under(at::HOOKS) && writes {
        // What the runbook names is called: whoever may bring another one may try it.
        Right::Runbook
    } else if under(at::AGENTS) && writes {
        Right::Declare
    } else if under(at::DRILLS) && writes {
        Right::Drill
    } else {
        Right::Watch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::{IncidentId, SwitchId};

    /// Protocol 4, TEAM.6: the whole table, cell by cell, so that no change of it goes unseen.
    #[test]
    fn the_whole_table_reads_as_the_protocol_says() {
        // Columns: operator, viewer, automation, gateway, agent, loopback, stranger.
        let table = [
            (Right::Health, "y y y y y y y"),
            (Right::Report, "y . y y y y ."),
            (Right::Check, "y . y y y y ."),
            (Right::Ticket, "y y y y y y y"),
            (Right::Lease, "y . y y y y ."),
            (Right::Watch, "y y y . . . ."),
            (Right::Work, "y . y . . . ."),
            (Right::Vouch, "y . . . . . ."),
            (Right::Severity, "y . . . . . ."),
            (Right::Engage, "y . y . . . ."),
            (Right::Release, "y . . . . . ."),
            (Right::Approve, "y . . . . . ."),
            (Right::Override, "y . . . . . ."),
            (Right::Declare, "y . y . . . ."),
            (Right::Acknowledge, "y . y . . . ."),
            (Right::Runbook, "y . . . . . ."),
            (Right::Drill, "y . y . . . ."),
            (Right::Tokens, "y . . . . . ."),
            (Right::Stop, "y . . . . . ."),
            (Right::Internal, ". . . . . . ."),
        ];
        assert_eq!(table.len(), Right::ALL.len(), "every right has its row");
        for (right, row) in table {
            let cells: Vec<&str> = row.split(' ').collect();
            assert_eq!(cells.len(), Standing::ALL.len());
            for (standing, cell) in Standing::ALL.iter().zip(cells) {
                assert_eq!(may(*standing, right), cell == "y", "{standing} {right}");
            }
        }
    }

    /// CON.12: no agent identity can release anything.
    #[test]
    fn restraining_is_wider_than_lifting() {
        let release = Command::Release { switch: SwitchId(1), why: "over".into(), agent: None, to: None, over: None };
        let may_release: Vec<&str> =
            Standing::ALL.iter().filter(|who| may(**who, needed(&release))).map(|who| who.as_str()).collect();
        assert_eq!(may_release, ["operator"]);
    }

    /// Protocol 4: releases, approvals and overrides are signed by whoever has a key here; what restrains never is.
    #[test]
    fn what_lifts_a_restraint_is_told_from_what_restrains() {
        let decide =
            |approve| Command::DecideHolds { holds: Vec::new(), approve, why: None, saw: None, looked_s: None };
        let on = |ask| Command::OnIncident { incident: IncidentId(1), ask };
        let release = Command::Release { switch: SwitchId(1), why: "over".into(), agent: None, to: None, over: None };
        let close = |over| on(IncidentCommand::Close { over });
        for (command, signed) in [
            (release, true),
            (decide(true), true),
            (close(Some("known".into())), true),
            (decide(false), false),
            (close(None), false),
            (Command::Engage(Default::default()), false),
        ] {
            assert_eq!(lifts(&command), signed, "{command:?}");
        }
    }

    #[test]
    fn the_word_over_makes_a_command_an_override() {
        let close = |over| Command::OnIncident { incident: IncidentId(1), ask: IncidentCommand::Close { over } };
        assert_eq!(needed(&close(None)), Right::Work);
        assert_eq!(needed(&close(Some("known".into()))), Right::Override);
        let proved = Command::Prove { switch: SwitchId(1), halt: Default::default() };
        assert_eq!(needed(&proved), Right::Internal);
    }

    #[test]
    fn paths_need_what_they_do() {
        for (writes, path, right) in [
            (false, "/healthz", Right::Health),
            (true, "/v1/actions", Right::Report),
            (true, "/v1/traces", Right::Report),
            (true, "/v1/interlock/check", Right::Check),
            (true, "/v1/interlock/lease", Right::Lease),
            (false, "/v1/interlock/stream", Right::Lease),
            (false, "/v1/interlock/authz/any/thing", Right::Check),
            (true, "/ofrep/v1/evaluate/flags/andon.allowed", Right::Check),
            (false, "/ofrep/v1/stream", Right::Ticket),
            (true, "/ofrep/v1/stream", Right::Check),
            (false, "/ofrep/v1/stream/x", Right::Check),
            (false, "/v1/holds", Right::Watch),
            (false, "/v1/holds/HOLD-3", Right::Check),
            (true, "/v1/holds/HOLD-3", Right::Check),
            (true, "/v1/holds/HOLD-3/decide", Right::Watch),
            (false, "/v1/agents", Right::Watch),
            (true, "/v1/agents", Right::Declare),
            (false, "/v1/tokens", Right::Tokens),
            (true, "/v1/stop", Right::Stop),
            (false, "/v1/actionsx", Right::Watch),
            (true, "/v1/hooks/siem/test", Right::Runbook),
            (false, "/v1/hooks", Right::Watch),
            (true, "/ack", Right::Health),
            (true, "/ack/x", Right::Watch),
            (false, "/nothing", Right::Watch),
        ] {
            assert_eq!(of_path(writes, path), right, "{path}");
        }
    }
}
