//! The running backend, as every route and task sees it.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    blobs::Blobs,
    clock::Clock,
    core::Core,
    drill::Playing,
    limits::Limits,
    links::Links,
    login::Logins,
    nodes::Nodes,
    outward::{Hooks, Probes},
    presence::Presence,
    rights::{Right, may},
    rooms::{self, Rooms},
};
use crate::{
    api::{BackendInfo, BrokerInfo, Live, Used, UsedName},
    incident::{
        Incident,
        containment::{Switch, SwitchState},
    },
    runbook::Runbook,
    telemetry::Touched,
    terms::{AgentId, DrillId, IncidentId, Time},
};

/// Since when an incident's agents are looked at: the earliest harm known, else an hour before it was declared.
fn began(incident: &Incident) -> Time {
    let known = [incident.mttd.action, incident.harm_at].into_iter().flatten().min();
    known.unwrap_or(incident.declared_at.plus(-Time::HOUR))
}

/// Everything that runs.
pub struct Backend {
    /// The one writer.
    pub core: Core,
    /// What each world has besides its facts.
    pub rooms: Arc<Rooms>,
    /// Who has a cockpit open.
    pub presence: Presence,
    /// How far the hooks are, while this one leads.
    pub hooks: Hooks,
    /// What the actuators' probes said last.
    pub probes: Probes,
    /// Drills being played.
    pub playing: Playing,
    /// The other backends of the same database.
    pub nodes: Arc<Nodes>,
    /// Links by which pages are acknowledged.
    pub links: Links,
    /// How often each identity may ask.
    pub limits: Limits,
    /// People who come with SSH keys.
    pub logins: Logins,
    /// What is kept by its content.
    pub blobs: Blobs,
    /// The runbook in force.
    pub runbook: Arc<ArcSwap<Runbook>>,
    /// The clock.
    pub clock: Clock,
    /// Cancelled when the backend goes.
    pub stop: CancellationToken,
    /// The backend's own user.
    pub uid: u32,
    /// Serves more than that user.
    pub shared: bool,
    /// Names it answers to besides localhost.
    pub hosts: Vec<String>,
    /// Where telemetry goes, once the doors are open.
    pub telemetry: OnceLock<String>,
    /// Its log file, when it has one.
    pub log_file: Option<String>,
}

impl Backend {
    /// The backend's words about itself.
    pub fn about(&self) -> BackendInfo {
        BackendInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            shared: self.shared,
            host: host_name(),
            nodes: self.nodes.others().iter().map(|node| node.name.clone()).collect(),
            telemetry: self.telemetry.get().cloned(),
            log_file: self.log_file.clone(),
            broker: self.broker(),
        }
    }

    /// How telemetry over NATS stands, where it goes over it.
    pub fn broker(&self) -> Option<BrokerInfo> {
        let intake = self.rooms.intakes.get()?.existing(None)?;
        intake.broker().map(|status| status.told())
    }

    /// The runbook that an incident is worked by: the one it began with (GOV.1).
    pub fn runbook_of(&self, incident: &Incident) -> Arc<Runbook> {
        let began_with = self.core.worlds().upkeep.runbook(&incident.runbook).cloned();
        began_with.unwrap_or_else(|| self.runbook.load_full())
    }

    /// The figures of a world, now.
    pub fn live(&self, drill: Option<DrillId>) -> Live {
        let mut live = self.rooms.figures(drill, (self.clock)());
        live.touched = self.all_touched(drill);
        live.present = self.present();
        live.writing = self.writing(drill);
        live.place = drill.and_then(|drill| self.playing.place(drill));
        live.in_drill = drill.map(|drill| self.in_drill(drill)).unwrap_or_default();
        live.harm = drill.and_then(|drill| self.playing.harm(drill).or_else(|| self.came_to(drill)));
        live.armed.can_fire = self.can_fire();
        live.unrecorded = self.unrecorded(drill);
        live.wrong = self.why_not_ready();
        if drill.is_none() {
            live.armed.probes = self.probes.all();
        }
        live
    }

    /// What a drill came to that was played before, or at another node.
    fn came_to(&self, drill: DrillId) -> Option<crate::incident::drilled::HarmCount> {
        self.core.worlds().takes.get(&drill)?.played.map(|played| played.harm)
    }

    /// Switches in force that the log could not take yet.
    fn unrecorded(&self, drill: Option<DrillId>) -> Vec<Arc<Switch>> {
        let worlds = self.core.worlds();
        let switches = worlds.get(drill).map(|world| world.switches.values());
        switches.into_iter().flatten().filter(|switch| !switch.recorded).cloned().collect()
    }

    /// Who follows a drill, at whichever node.
    fn in_drill(&self, drill: DrillId) -> Vec<String> {
        let others = self.nodes.others();
        let told = others.iter().flat_map(|node| node.in_drills.iter().cloned());
        let mut names: Vec<String> =
            self.presence.in_drills().into_iter().chain(told).filter(|one| one.0 == drill).map(|one| one.1).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether a facilitator cut somebody's client off from a drill's world (DRL.1).
    pub fn is_cut(&self, drill: DrillId, who: &crate::terms::Author) -> bool {
        let worlds = self.core.worlds();
        worlds.takes.get(&drill).is_some_and(|take| take.cut_until(who, (self.clock)()).is_some())
    }

    /// Who has a cockpit open, at whichever node.
    fn present(&self) -> Vec<String> {
        let others = self.nodes.others();
        let mut names: Vec<String> =
            self.presence.names().into_iter().chain(others.iter().flat_map(|node| node.present.clone())).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Who writes in a draft of a world, at whichever node.
    fn writing(&self, drill: Option<DrillId>) -> Vec<crate::api::Writer> {
        let others = self.nodes.others();
        let told = others.iter().flat_map(|node| node.writing.iter().cloned());
        self.presence.writers((self.clock)()).into_iter().chain(told).filter(|writer| writer.world == drill).collect()
    }

    /// What an agent used lately, by kind (TEN.3).
    pub fn used(&self, drill: Option<DrillId>, agent: &AgentId) -> Vec<Used> {
        let used = self.rooms.profiles(drill).used(agent).into_iter();
        used.map(|(part, names)| Used {
            part,
            names: names.into_iter().map(|(name, used)| UsedName { name, used }).collect(),
        })
        .collect()
    }

    /// What the agents of an incident touched since it began.
    pub fn touched(&self, drill: Option<DrillId>, incident: &Incident) -> Touched {
        self.rooms.profiles(drill).touched(&incident.agents, began(incident))
    }

    /// The same for every open incident, where there is anything.
    fn all_touched(&self, drill: Option<DrillId>) -> BTreeMap<IncidentId, Touched> {
        let worlds = self.core.worlds();
        let Some(world) = worlds.get(drill) else { return BTreeMap::new() };
        let open = world.incidents.values().filter(|incident| incident.is_open() && !incident.agents.is_empty());
        let touched = open.map(|incident| (incident.id, self.touched(drill, incident)));
        touched.filter(|(_, touched)| *touched != Touched::default()).collect()
    }

    /// Identities that may engage a switch: every token that may, and whoever is on the socket.
    fn can_fire(&self) -> u32 {
        if let Some(roles) = self.runbook.load().access.can_fire() {
            return u32::try_from(roles).unwrap_or(u32::MAX);
        }
        let worlds = self.core.worlds();
        let live = worlds.tokens.values().filter(|token| token.revoked_at.is_none());
        let tokens = live.filter(|token| may(token.role.into(), Right::Engage)).count();
        u32::try_from(tokens).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Hears a world's figures change from what they are now.
    pub fn listen(&self, drill: Option<DrillId>) -> watch::Receiver<Arc<Live>> {
        let now = self.live(drill);
        self.rooms.listen(drill, now)
    }

    /// Sends the figures of every world that somebody listens to, where they changed.
    pub fn tell_figures(&self) {
        for (drill, heard) in self.rooms.listened() {
            rooms::tell(&heard, self.live(drill));
        }
    }

    /// What keeps the backend from its work; empty when nothing does.
    pub fn why_not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.stop.is_cancelled() {
            reasons.push("the backend is stopping".to_owned());
        }
        if self.telemetry.get().is_none() {
            reasons.push("the backend is starting".to_owned());
        }
        if self.rooms.interlocks.pulse().is_sick() {
            reasons.push("the log does not answer: leases end and checks are denied until it does".to_owned());
        }
        if let Some(why) = self.rooms.interlocks.pulse().why() {
            reasons.push(format!("the log cannot be written: {why}"));
        }
        reasons.extend(self.broker().and_then(|broker| broker.wrong));
        let unrecorded = self.core.worlds().real.switches.values().filter(|switch| !switch.recorded).count();
        if unrecorded > 0 {
            reasons.push(format!("{unrecorded} switches are in force and not yet recorded"));
        }
        reasons
    }

    /// Who goes blind without this backend: what is engaged, and who holds a lease.
    pub fn who_goes_blind(&self) -> Vec<String> {
        let worlds = self.core.worlds();
        let engaged = worlds.real.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
        let switches = engaged.map(|switch| format!("{} ({} {})", switch.id, switch.mode, switch.scope));
        let figures = self.rooms.figures(None, (self.clock)());
        let leases = figures.agents.iter().filter(|(_, agent)| agent.leases > 0);
        switches.chain(leases.map(|(name, agent)| format!("{name} ({} live leases)", agent.leases))).collect()
    }
}

/// What this machine calls itself.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
