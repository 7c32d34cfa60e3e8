//! Facts in words, for the timeline. Holds person- and agent-written text: whoever prints it goes through `Printable`.

use crate::{
    incident::{Fact, first_minutes::Answered, rollback::Said},
    terms::Author,
};

/// One fact of an incident's stream in a line, as `by` made it so.
pub(super) fn line(fact: &Fact, by: &Author) -> String {
    match fact {
        Fact::IncidentDeclared { title, severity, confirmed: true, .. } => format!("declared {severity}: {title}"),
        Fact::IncidentDeclared { title, severity, .. } => {
            format!("opened by {} as {severity}, to be confirmed: {title}", by.opener())
        }
        Fact::IncidentConfirmed {} => "confirmed as an incident".into(),
        Fact::IncidentDismissed { why } => format!("dismissed: {why}"),
        Fact::SeveritySet { severity, why, .. } => format!("severity {severity}: {why}"),
        Fact::RoleAssigned { role, who, note } => {
            let who = who.as_deref().map_or_else(|| format!("{role} is free"), |who| format!("{role}: {who}"));
            note.as_deref().map_or(who.clone(), |note| format!("{who} — {note}"))
        }
        Fact::NoteAdded { text } => text.clone(),
        Fact::NoteRetracted { seq } => format!("took back note {seq}"),
        Fact::HarmConfirmed { at } => format!("harm confirmed since {at}"),
        Fact::EarliestActionSet { at, .. } => format!("earliest harmful action at {at}"),
        Fact::BlastEstimated { blast, choice, why } => {
            let why = why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            let reach = blast.reach.map(|reach| format!(" of {reach:.0} in reach")).unwrap_or_default();
            format!(
                "blast radius: up to {:.0} affected{reach} ({:.1} an hour for {:.1} h); chosen: {choice}{why}",
                blast.affected,
                blast.velocity_per_h,
                blast.window_s / 3_600.0,
            )
        }
        Fact::Contained { why: Some(why) } => format!("contained, by word: {why}"),
        Fact::Contained { why: None } => "contained: every counted agent is confirmed".into(),
        Fact::ContainmentBroken { switch, agent } => format!("containment broken: {agent} acted under {switch}"),
        Fact::FiringJoined { firing, agent } => format!("{firing} joined ({agent})"),
        Fact::SwitchJoined { switch } => format!("{switch} engaged"),
        Fact::RollbackOpened { checklist, title, target, .. } => format!("{checklist} opened: {title} · {target}"),
        Fact::StepTicked { checklist, step } => format!("{checklist} {step}: done"),
        Fact::StepUnticked { checklist, step } => format!("{checklist} {step}: open again"),
        Fact::StepImpossible { checklist, step, substitute, kind } => {
            let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
            format!("{checklist} {step}: impossible, instead{kind}: {substitute}")
        }
        Fact::RollbackWorked(worked) => format!("{} {}", worked.checklist, worked_words(&worked.said)),
        Fact::RollbackVerified { checklist, evidence } => format!("{checklist} verified: {evidence}"),
        Fact::DraftStarted { draft, audience, .. } => format!("{draft} begun for {audience}"),
        Fact::DraftEdited { draft, .. } => format!("{draft} edited"),
        Fact::DraftWritten(written) => format!("{} edited", written.draft),
        Fact::DraftSent { draft, channel, to, over, .. } => {
            format!("{draft} sent by {channel} to {to}{}", over_words(over.as_deref()))
        }
        Fact::DraftSending(sending) => {
            let over = over_words(sending.over.as_deref());
            format!("{} to be sent by {} to {}{over}", sending.draft, sending.channel, sending.to)
        }
        Fact::DraftDelivery(step) => {
            let said = if step.status.is_empty() { String::new() } else { format!(": {}", step.status) };
            format!("{} message {} {}{said}", step.draft, step.number, step.state)
        }
        Fact::DraftAgreed(agreed) => format!("{} agreed as the statement (version {})", agreed.draft, agreed.version),
        Fact::EvidencePlanned(planned) => format!("{} items of evidence to be kept", planned.items.len()),
        Fact::EvidenceFrozen(frozen) => {
            let beside = frozen.beside.as_deref().map(|move_| format!(", beside {move_}")).unwrap_or_default();
            format!("{} froze {} actions{beside}", frozen.freeze, frozen.manifest.count)
        }
        Fact::EvidenceAppended(more) => format!("{} more actions belong to {}", more.manifest.count, more.freeze),
        Fact::EvidenceLost(lost) => format!("{} actions of {} are not kept: {}", lost.count, lost.freeze, lost.why),
        Fact::EvidenceItemSet(set) => {
            let why = set.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            let gone = set.expires_at.map(|at| format!(", gone at {at}")).unwrap_or_default();
            format!("evidence {} is {}{gone}{why}", set.item, set.state)
        }
        Fact::EvidenceOverridden(over) => format!("went on before the freeze, to {}: {}", over.what, over.why),
        Fact::EvidenceHeld(held) => format!("legal hold: {}", held.why),
        Fact::EvidenceLifted(lifted) => format!("legal hold lifted: {}", lifted.why),
        Fact::AffectedAdded(added) => {
            let count = added.count.map_or_else(|| "how many is unknown".into(), |count| format!("{count}"));
            format!("{} affected ({}): {} · {count}", added.id, added.kind, added.what)
        }
        Fact::AffectedChanged(changed) => {
            let state = changed.state.map(|state| format!(" {state}")).unwrap_or_default();
            let count = changed.count.map(|count| format!(" · {count}")).unwrap_or_default();
            let why = changed.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("{}{state}{count}{why}", changed.id)
        }
        Fact::FactAnswered(told) => answered(told),
        Fact::FactorWeighed(weighed) => match &weighed.answer {
            Some(answer) => format!("{} weighed: {answer}", weighed.factor),
            None => format!("{} is not weighed any more", weighed.factor),
        },
        Fact::CriterionJudged(judged) => {
            let why = judged.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            let answer =
                judged.answer.map_or("is not answered any more", |yes| if yes { "holds" } else { "does not hold" });
            format!("{} {answer}{why}", judged.criterion)
        }
        Fact::MoveChosen(chosen) => {
            let because = if chosen.because.is_empty() { "no criterion".into() } else { chosen.because.join(", ") };
            let why = chosen.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("decided: {} (criteria point to {}, by {because}){why}", chosen.choice, chosen.advised)
        }
        Fact::BegunBeforeContainment(early) => early.line(),
        Fact::Resolved { note } if note.is_empty() => "resolved".into(),
        Fact::Resolved { note } => format!("resolved: {note}"),
        Fact::Reopened { why } => format!("reopened: {why}"),
        Fact::Closed { over: Some(over) } => format!("closed over what is open: {over}"),
        Fact::Closed { over: None } => "closed".into(),
        other => team(other).or_else(|| postmortem(other)).or_else(|| pages(other, by)).unwrap_or_else(|| other.kind()),
    }
}

/// A fact of an incident's own pages.
fn pages(fact: &Fact, by: &Author) -> Option<String> {
    Some(match fact {
        Fact::PagingBegun(begun) => format!("{} {}: pages {}", begun.occasion, begun.severity, begun.queue),
        Fact::IncidentPaged(sent) => {
            let page = &sent.page;
            let to = if page.to.is_empty() { String::new() } else { format!(" ({})", page.to) };
            format!("page by {}{to} {}: {}", page.channel, page.state, page.status)
        }
        Fact::PagesAcknowledged(_) => match by {
            Author::Link(_) => format!("pages acknowledged by {}", by.words()),
            _ => "pages acknowledged".into(),
        },
        Fact::IncidentPagerTold(said) => {
            format!("pager told that it is {}: {} ({})", said.told.word, said.told.state, said.told.status)
        }
        _ => return None,
    })
}

/// A fact of a team's work.
fn team(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::FindingAdded(added) => {
            let root = if added.finding.root { "root cause, " } else { "" };
            let point = added.finding.point.as_deref().map(|point| format!(" ({point})")).unwrap_or_default();
            let early = if added.early { " — looked for before containment" } else { "" };
            format!("{root}{}: {}{point}{early}", added.finding.layer, added.finding.text)
        }
        Fact::FindingRetracted(gone) => format!("finding {} taken back: {}", gone.finding, gone.why),
        Fact::LayerSkipped(skip) => format!("{} is not looked at: {}", skip.layer, skip.why),
        Fact::ChangeNamed(named) => format!("changed before: {}: {}", named.change.kind, named.change.what),
        Fact::ChangeJudged(judged) => format!("change {} {}: {}", judged.change, judged.verdict, judged.why),
        Fact::RerunRecorded(rerun) => {
            format!("run again: {} of {} failed ({})", rerun.failed, rerun.runs, rerun.conditions)
        }
        Fact::ConditionAccepted(accept) => format!("accepted as it is: {}: {}", accept.condition, accept.why),
        Fact::RestartApproved(word) if word.second => format!("restart approved as second person: {}", word.why),
        Fact::RestartApproved(word) => format!("restart approved: {}", word.why),
        Fact::CorrectionRecorded(said) => format!("corrected: {}: {}", said.what, said.text),
        Fact::StageEntered(entered) => format!("{} goes on in {}", entered.agent, entered.stage),
        Fact::RestartOverridden(said) => {
            format!("{} to {} over open conditions ({}): {}", said.switch, said.to, said.open.join(", "), said.why)
        }
        Fact::TaskAdded(added) => {
            let owner = added.plan.owner.as_deref().map(|owner| format!(" ({owner})")).unwrap_or_default();
            format!("{}: {}{owner}", added.task, added.plan.text)
        }
        Fact::TaskChanged(change) => match (&change.text, &change.owner, change.due_at) {
            (Some(text), ..) => format!("{}: {text}", change.task),
            (None, Some(owner), _) if owner.is_empty() => format!("{} is nobody's", change.task),
            (None, Some(owner), _) => format!("{} is {owner}'s", change.task),
            (None, None, Some(due)) => format!("{} is due at {due}", change.task),
            (None, None, None) => return None,
        },
        Fact::TaskEnded(end) => {
            let note = end.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
            format!("{} {}{note}", end.task, end.how)
        }
        Fact::TaskReopened(again) => format!("{} taken up again", again.task),
        Fact::EventMarked(mark) if mark.key => format!("event {} is a key event", mark.seq),
        Fact::EventMarked(mark) => format!("event {} is no key event", mark.seq),
        Fact::LinkAdded(link) => format!("{}: {}", link.kind, link.title.as_deref().unwrap_or(&link.url)),
        Fact::LinkRemoved(gone) => format!("link taken away: {}", gone.url),
        Fact::Snoozed(snooze) => format!("reminder put off until {}: {}", snooze.until, snooze.reminder),
        Fact::FieldSet(set) => format!("{}: {}", set.field, set.value),
        Fact::Restricted(only) if only.entered => format!("let themselves in: {}", only.why),
        Fact::Restricted(only) => format!("restricted to {}: {}", only.people.join(", "), only.why),
        Fact::RestrictionLifted(lifted) => format!("seen by everybody again: {}", lifted.why),
        Fact::RelatedTo(relate) => format!("{} {}", relate.how, relate.to),
        Fact::MergedInto(merge) => format!("merged into {}", merge.into),
        Fact::TookIn(took) => format!("took in {}", took.from),
        Fact::SplitOff(off) => format!("{} split off", off.into),
        _ => return None,
    })
}

/// A fact of the post-mortem.
fn postmortem(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::PostmortemWritten(written) => {
            let fields: Vec<&str> = written.fields.keys().map(String::as_str).collect();
            format!("post-mortem: {} written", fields.join(", "))
        }
        Fact::RegressionCaseAdded(case) => format!("regression case {} ({})", case.name, case.kind),
        Fact::RegressionCaseDropped(case) => format!("regression case {} taken back", case.name),
        Fact::DeltaProposed(delta) => {
            let proof = delta.backtest.as_ref().map(|test| format!(": {}", test.verdict())).unwrap_or_default();
            format!("change {} proposed ({}, {}): {}{proof}", delta.delta, delta.kind, delta.owner, delta.text)
        }
        Fact::DeltaSettled(delta) if delta.note.is_empty() => format!("change {} {}", delta.delta, delta.state),
        Fact::DeltaSettled(delta) => format!("change {} {}: {}", delta.delta, delta.state, delta.note),
        Fact::PostmortemFiled(filed) => match &filed.over {
            Some(over) => format!("post-mortem filed over {} missing: {over}", filed.missing.len()),
            None => "post-mortem filed".into(),
        },
        _ => return None,
    })
}

/// One of the seven facts as it was answered.
fn answered(told: &Answered) -> String {
    let (fact, answer) = (told.fact, told.answer.as_deref());
    match (answer, &told.dispute, &told.settle) {
        (Some(answer), Some(why), _) => format!("{fact} disputed, says {answer}: {why}"),
        (None, Some(why), _) => format!("{fact} disputed: {why}"),
        (Some(answer), None, Some(why)) => format!("{fact} settled, {answer}: {why}"),
        (Some(answer), None, None) => format!("{fact}: {answer}"),
        (None, None, _) => format!("{fact} is unknown"),
    }
}

fn over_words(over: Option<&str>) -> String {
    over.map(|why| format!(", over the agreed statement: {why}")).unwrap_or_default()
}

/// What was said of a checklist, in words.
fn worked_words(said: &Said) -> String {
    match said {
        Said::Assigned { operator: Some(operator) } => format!("is worked by {operator}"),
        Said::Assigned { operator: None } => "is nobody's now".into(),
        Said::Window { what, closes_at: Some(closes_at) } => format!("{what} closes {closes_at}"),
        Said::Window { what, closes_at: None } => format!("{what}: when it closes is not known"),
        Said::Signed { sign, note, waived: false } => format!("signed by {sign}: {note}"),
        Said::Signed { sign, note, waived: true } => format!("goes without {sign}: {note}"),
        Said::Value { record, before, after, found } => {
            let part = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!(" {name} {value}"));
            let parts = [part("before", before), part("after", after), part("now", found)];
            format!("{record}:{}", parts.into_iter().flatten().collect::<String>())
        }
        Said::Ran { step, output, .. } => {
            let ended = output.exit.map_or("was killed".to_owned(), |exit| format!("ended with {exit}"));
            format!("{step}: its command {ended}, {} bytes kept", output.bytes)
        }
    }
}
