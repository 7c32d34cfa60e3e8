//! Folds the stream `tripwires`.

use std::sync::Arc;

use crate::{
    incident::{
        Event, Fact, World,
        communication::DeliveryState,
        containment::{AutoContainment, AutoOutcome, auto_name},
        mttd,
        pages::{Mute, StepState, Told},
    },
    terms::FiringId,
    tripwire::{Firing, FiringState, Paged},
};

pub(super) fn apply(world: &mut World, event: &Event) {
    match &event.fact {
        Fact::FiringOpened { firing, key, received_at, window, limit, baseline, note, pages, incident } => {
            let opened = Firing {
                id: *firing,
                at: event.occurred_at,
                recorded_at: event.recorded_at,
                received_at: *received_at,
                key: key.clone(),
                state: FiringState::Open,
                closed_at: None,
                expected: false,
                count: 1,
                window: *window,
                limit: *limit,
                baseline: *baseline,
                note: note.clone(),
                paged: vec![Paged { to: pages.clone(), at: None, acked_at: None, by: None }],
                incident: *incident,
                auto: None,
                pages: Vec::new(),
            };
            world.firings.insert(*firing, Arc::new(opened));
        }
        Fact::FiringCounted { firing, count, peak } => change(world, firing, |firing| {
            firing.count = *count;
            firing.window = peak.or(firing.window);
        }),
        Fact::FiringClosed { firing } => change(world, firing, |firing| {
            firing.state = FiringState::Closed;
            firing.closed_at = Some(event.occurred_at);
        }),
        Fact::FiringAcknowledged { firing, expected } => {
            change(world, firing, |firing| {
                for paged in &mut firing.paged {
                    if paged.acked_at.is_none() {
                        paged.acked_at = Some(event.occurred_at);
                        paged.by = Some(event.by.clone());
                    }
                }
                if *expected {
                    firing.expected = true;
                    firing.state = FiringState::Closed;
                    firing.closed_at.get_or_insert(event.occurred_at);
                }
            });
            mttd::acknowledged(world, *firing, event);
        }
        Fact::AutoContainmentSet { tripwire, rule, stage, scope, mode, why, backtest } => {
            let set = AutoContainment {
                tripwire: *tripwire,
                rule: rule.clone(),
                stage: *stage,
                scope: *scope,
                mode: *mode,
                by: event.by.clone(),
                at: event.occurred_at,
                why: why.clone(),
                backtest: backtest.clone(),
            };
            world.auto.insert(auto_name(*tripwire, rule.as_deref()).to_owned(), Arc::new(set));
        }
        Fact::AutoContained { firing, stage, scope, mode, switch } => change(world, firing, |firing| {
            firing.auto = Some(AutoOutcome { stage: *stage, scope: scope.clone(), mode: *mode, switch: *switch });
        }),
        Fact::FiringPaged(sent) => {
            // A drill's page that somebody would have heard is one there.
            let heard = matches!(sent.state, DeliveryState::Accepted | DeliveryState::Rehearsed);
            change(world, &sent.firing, |firing| {
                StepState::take(&mut firing.pages, sent.page(), event.occurred_at);
                if heard && let Some(first) = firing.paged.first_mut() {
                    first.at.get_or_insert(event.occurred_at);
                }
            });
            if heard {
                mttd::paged(world, sent.firing, event);
            }
        }
        Fact::FiringPagerTold(said) => change(world, &said.firing, |firing| {
            if let Some(page) = firing.pages.iter_mut().find(|page| page.sent.step == said.told.step) {
                Told::take(&mut page.told, &said.told, event.occurred_at);
            }
        }),
        Fact::TripwireMuted(muted) => world.mutes.push_back(Mute {
            muted: muted.clone(),
            at: event.occurred_at,
            by: event.by.clone(),
            ended_at: None,
        }),
        Fact::TripwireUnmuted(unmuted) => {
            if let Some(mute) = world.mutes.iter_mut().find(|mute| mute.muted.mute == unmuted.mute) {
                mute.ended_at.get_or_insert(event.occurred_at);
            }
        }
        Fact::FiringLinked { firing, incident } => change(world, firing, |firing| firing.incident = Some(*incident)),
        _ => {}
    }
}

fn change(world: &mut World, id: &FiringId, with: impl FnOnce(&mut Firing)) {
    if let Some(firing) = world.firings.get_mut(id) {
        with(Arc::make_mut(firing));
    }
}
