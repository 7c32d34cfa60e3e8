//! Holds a lease for an agent, and says what applies to it: heard over the stream in milliseconds, over the lease at the
//! latest, and when neither comes, that it is blind (CON.7, protocol 3).

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::sync::watch;

use super::boot::Moment;
use crate::{
    api::{AgentView, Decision, LeaseRequest},
    client::{Client, ClientError},
    incident::OnBlind,
    terms::{AgentId, Time},
};

/// How often the lease is renewed.
const RENEW: Duration = Duration::from_millis(500);
/// How long one renewal may take; the next one is asked meanwhile.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often a renewal is looked for by one who waits for it.
const LOOK: Duration = Duration::from_millis(10);
/// How long the last word of a holder may take.
const FAREWELL: Duration = Duration::from_millis(1_000);

/// Who holds the lease.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The agent.
    pub agent: AgentId,
    /// Which process of it.
    pub instance: String,
    /// What it does when blind; as the agent is declared where nobody says.
    pub on_blind: Option<OnBlind>,
    /// Its revision, where it is known.
    pub revision: Option<String>,
}

impl Holder {
    /// Whether it goes on without andon.
    pub fn goes_on_blind(&self) -> bool {
        self.on_blind == Some(OnBlind::Continue)
    }

    /// What it says before anything is known of the agent.
    fn first_word(&self) -> OnBlind {
        self.on_blind.unwrap_or(OnBlind::Stop)
    }
}

/// What applies to the agent now.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The newest view heard.
    pub view: Arc<AgentView>,
    /// How long a lease lives without renewal.
    ttl: Duration,
    /// When it was heard, or its renewal was sent: only what was asked later may be older.
    heard: Moment,
    /// Until when that counts, without another renewal.
    pub until: Moment,
    /// The last word of a backend that did not renew.
    pub why_not: Option<String>,
}

impl Standing {
    /// Whether the agent as a whole may go on: no switch stricter than `allow` covers all it does.
    pub fn goes_on(&self) -> bool {
        self.view.mode == Decision::Allow.as_str()
    }

    /// Whether a switch touches only a part of what it does: some tools, a workflow, a subject.
    pub fn is_partial(&self) -> bool {
        !self.view.tools.is_empty() || !self.view.classes.is_empty() || !self.view.partly.is_empty()
    }
}

/// A lease that renews itself as long as this lives.
pub struct LeaseKeeper {
    client: Client,
    holder: Holder,
    standing: watch::Receiver<Standing>,
    enforced: watch::Sender<u64>,
    task: tokio::task::JoinHandle<()>,
}

impl LeaseKeeper {
    /// Takes the lease.
    ///
    /// # Errors
    /// The backend's refusal, or no answer: without a lease nothing begins.
    pub async fn take(client: Client, holder: Holder) -> Result<Self, ClientError> {
        let (enforced, heard) = watch::channel(0);
        let mut first = renew(&client, &holder, 0).await?;
        let on_blind = holder.on_blind.unwrap_or(first.view.on_blind);
        if on_blind != holder.first_word() {
            first = renew(&client, &Holder { on_blind: Some(on_blind), ..holder.clone() }, 0).await?;
        }
        let holder = Holder { on_blind: Some(on_blind), ..holder };
        let (told, standing) = watch::channel(first);
        let task = tokio::spawn(keep(client.clone(), holder.clone(), told, heard));
        Ok(Self { client, holder, standing, enforced, task })
    }

    /// What the holder does when blind, by its own word or by the agent's declaration.
    pub fn on_blind(&self) -> OnBlind {
        self.holder.first_word()
    }

    /// What applies, and hears every change.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// The holder enforces `version` from now on: the next renewal acknowledges it, at once.
    pub fn enforces(&self, version: u64) {
        self.enforced.send_if_modified(|enforced| std::mem::replace(enforced, version) != version);
    }

    /// Waits until the lease is renewed and has most of its time before it, at most `within`; says whether it is.
    pub async fn is_fresh(&self, within: Duration) -> bool {
        let ttl = self.standing.borrow().ttl;
        let renewed = async {
            while self.standing.borrow().until.left() + PATIENCE < ttl {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(within, renewed).await.is_ok()
    }

    /// Says that nothing of this instance runs any more: it obeys whatever was heard, and there is nobody to go blind.
    /// Bounded in time: the lease ends in any case.
    pub async fn end(&self) {
        let version = self.standing.borrow().view.version;
        let holder = Holder { on_blind: Some(OnBlind::Stop), ..self.holder.clone() };
        // No renewal that still says otherwise may arrive after it.
        self.task.abort();
        match tokio::time::timeout(FAREWELL, renew(&self.client, &holder, version)).await {
            Ok(Ok(_)) => {}
            Ok(Err(why)) => tracing::debug!(%why, "the lease ends by running out"),
            Err(_) => tracing::debug!("the lease ends by running out: no answer"),
        }
    }

    /// Waits until the lease has run to within `before` of its end without renewal.
    pub async fn runs_out(&self, before: Duration) {
        let mut standing = self.standing.clone();
        loop {
            let until = standing.borrow_and_update().until;
            let left = until.left().saturating_sub(before);
            if left.is_zero() {
                return;
            }
            tokio::select! {
                // A suspended machine's timers stand still: look again soon.
                () = tokio::time::sleep(left.min(RENEW)) => {}
                changed = standing.changed() => if changed.is_err() { return },
            }
        }
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Asks once; the lease counts from before it was sent.
async fn renew(client: &Client, holder: &Holder, version: u64) -> Result<Standing, ClientError> {
    let sent = Moment::now();
    let asked = LeaseRequest {
        agent: holder.agent.clone(),
        instance: holder.instance.clone(),
        version,
        on_blind: holder.first_word(),
        revision: holder.revision.clone(),
        sent_at: Some(Time::from(chrono::Utc::now())),
    };
    let answer = client.lease(&asked, PATIENCE).await?;
    let ttl = Duration::from_secs(answer.ttl_s);
    Ok(Standing { view: Arc::new(answer.view), ttl, heard: sent, until: sent.plus(ttl), why_not: None })
}

async fn keep(client: Client, holder: Holder, told: watch::Sender<Standing>, mut enforced: watch::Receiver<u64>) {
    let mut views = std::pin::pin!(client.agent_views(&holder.agent));
    let mut ticks = tokio::time::interval(RENEW);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut renewals = futures_util::stream::FuturesUnordered::new();
    loop {
        let ask = tokio::select! {
            () = told.closed() => return,
            _ = ticks.tick() => true,
            changed = enforced.changed() => match changed {
                Ok(()) => true,
                Err(_) => return,
            },
            Some(view) = views.next() => {
                hear(&told, view);
                false
            }
            Some(answer) = renewals.next(), if !renewals.is_empty() => {
                settle(&told, answer);
                false
            }
        };
        // At most three wait at once: a backend that hangs is not asked more and more.
        if ask && renewals.len() < 3 {
            let version = *enforced.borrow_and_update();
            renewals.push({
                let (client, holder) = (client.clone(), holder.clone());
                async move { renew(&client, &holder, version).await }
            });
        }
    }
}

/// The stream told of a change; it renews nothing.
fn hear(told: &watch::Sender<Standing>, view: AgentView) {
    told.send_if_modified(|standing| {
        let newer = view.version > standing.view.version;
        if newer {
            standing.view = Arc::new(view);
            standing.heard = Moment::now();
        }
        newer
    });
}

fn settle(told: &watch::Sender<Standing>, answer: Result<Standing, ClientError>) {
    told.send_if_modified(|standing| match answer {
        Ok(new) => {
            standing.ttl = new.ttl;
            standing.until = standing.until.max(new.until);
            // An answer that crossed a newer word of the stream is stale; a backend whose log was restored begins lower.
            let newer =
                new.view != standing.view && (new.view.version >= standing.view.version || new.heard > standing.heard);
            if newer {
                (standing.view, standing.heard) = (new.view, new.heard);
            }
            standing.why_not = None;
            newer
        }
        Err(why) => {
            standing.why_not = Some(why.to_string());
            false
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(version: u64, mode: &str) -> AgentView {
        AgentView {
            version,
            agent: AgentId::new("refund-bot").unwrap(),
            mode: mode.to_owned(),
            tools: Default::default(),
            classes: Default::default(),
            partly: Vec::new(),
            on_blind: OnBlind::Stop,
            switch: None,
            reason: None,
        }
    }

    fn told(version: u64, mode: &str, heard: Moment) -> Standing {
        let ttl = Duration::from_secs(5);
        Standing { view: Arc::new(view(version, mode)), ttl, heard, until: heard.plus(ttl), why_not: None }
    }

    /// CON.7: an answer that crossed the stream's halt frees nobody for an instant; one asked later counts, whatever its
    /// version.
    #[test]
    fn an_old_answer_does_not_undo_a_halt() {
        let asked = Moment::now();
        let (standing, heard) = watch::channel(told(7, "allow", asked));
        let mode = || heard.borrow().view.mode.clone();
        hear(&standing, view(8, "halt"));
        assert_eq!(mode(), "halt");
        settle(&standing, Ok(told(7, "allow", asked)));
        assert_eq!(mode(), "halt", "asked before the halt was heard");
        hear(&standing, view(6, "allow"));
        assert_eq!(mode(), "halt", "an older word of the stream");
        settle(&standing, Ok(told(9, "allow", asked)));
        assert_eq!(mode(), "allow", "a newer table answered");
        hear(&standing, view(10, "halt"));
        let later = Moment::now().plus(Duration::from_millis(1));
        settle(&standing, Ok(told(3, "allow", later)));
        assert_eq!((mode().as_str(), heard.borrow().until), ("allow", later.plus(Duration::from_secs(5))), "restored");
    }

    /// A refusal renews nothing, and its words are kept; the stream renews nothing either.
    #[test]
    fn only_an_answer_renews() {
        let asked = Moment::now();
        let (standing, heard) = watch::channel(told(7, "allow", asked));
        let until = heard.borrow().until;
        settle(&standing, Err(ClientError::Unusable("revoked".to_owned())));
        hear(&standing, view(8, "allow"));
        assert_eq!((heard.borrow().until, heard.borrow().why_not.as_deref()), (until, Some("revoked")));
        settle(&standing, Ok(told(8, "allow", asked.plus(Duration::from_secs(1)))));
        assert!(heard.borrow().until > until && heard.borrow().why_not.is_none());
        settle(&standing, Ok(told(8, "allow", asked)));
        assert!(heard.borrow().until > until, "a late answer shortens nothing");
    }
}
