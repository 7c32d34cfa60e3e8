//! What waited while the backend was not reached, and what became of it (law 6, protocol 6).

use crate::cockpit::{
    effect::Effect,
    link::{Link, Sent},
    model::Model,
    text,
};

/// What others did meanwhile is told in so many lines at most.
const MEANWHILE: usize = 3;
/// How long what waits rests before it is sent again.
const REST_MS: i64 = 2_000;

/// What waits though the backend is heard: its asking alone was lost, and no return of the stream will send it.
pub(super) fn again(model: &mut Model) -> Option<Effect> {
    if model.waiting == 0 || model.link != Link::Live || model.now.since(model.sent_kept_at) < REST_MS {
        return None;
    }
    model.sent_kept_at = model.now;
    Some(Effect::SendKept)
}

/// What was taken is said in a line; what was refused stays until somebody read it, with who did what meanwhile.
pub(super) fn sent(model: &mut Model, sent: Vec<Sent>, waiting: usize) {
    model.waiting = waiting;
    let taken = sent.iter().filter(|one| one.refused.is_none()).count();
    for one in &sent {
        let Some(why) = &one.refused else { continue };
        let meanwhile = meanwhile(model, one);
        model.banners.push(format!("refused on return: {} — {why}{meanwhile}", one.waiting.what));
    }
    if taken > 0 {
        model.say(format!("{} sent that had waited", text::count(taken, "command")));
    }
}

fn meanwhile(model: &Model, sent: &Sent) -> String {
    let incident = sent.waiting.incident().and_then(|id| model.world()?.incidents.get(&id));
    let Some(incident) = incident else { return String::new() };
    let since = |at| at > sent.waiting.at;
    let lines = incident.timeline.iter().filter(|entry| since(entry.recorded_at));
    let lines: Vec<String> =
        lines.map(|entry| format!("{} {}", entry.by, text::cut(&entry.text, 60))).take(MEANWHILE).collect();
    if lines.is_empty() { String::new() } else { format!(". Meanwhile: {}", lines.join("; ")) }
}
