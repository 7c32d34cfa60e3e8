//! `GET /metrics`: what a monitoring system asks of a backend, in Prometheus' text format.

use std::{fmt::Write, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    backend::app::Backend,
    incident::{Reach, containment::SwitchState},
    tripwire::FiringState,
};

/// One measure: its name, what it is, how it counts, and its figures by label.
struct Measure {
    name: &'static str,
    help: &'static str,
    counts: bool,
    figures: Vec<(String, f64)>,
}

/// Everything, of the real world; no name that an agent chose is in it.
pub async fn show(State(backend): State<Arc<Backend>>) -> Response {
    let mut text = String::new();
    for Measure { name, help, counts, figures } in measures(&backend) {
        let kind = if counts { "counter" } else { "gauge" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, figure) in figures {
            let _ = writeln!(text, "{name}{labels} {figure}");
        }
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

fn measures(backend: &Backend) -> Vec<Measure> {
    let worlds = backend.core.worlds();
    let (world, live) = (&worlds.real, backend.live(None));
    let alone = |figure: usize| vec![(String::new(), figure as f64)];
    let gauge = |name, help, figures| Measure { name, help, counts: false, figures };
    let counter =
        |name, help, figure: u64| Measure { name, help, counts: true, figures: vec![(String::new(), figure as f64)] };
    let engaged = || world.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
    let counted = |of: &dyn Fn(&crate::incident::containment::HaltProof) -> u32| {
        engaged().map(|switch| usize::try_from(of(&switch.halt)).unwrap_or(0)).sum::<usize>()
    };
    let open = world.incidents.values().filter(|incident| incident.is_open()).count();
    let firing = world.firings.values().filter(|firing| firing.state == FiringState::Open);
    let unanswered = world.firings.values().filter(|firing| {
        firing.state == FiringState::Open
            && firing.paged.iter().any(|page| page.acked_at.is_none() && !page.to.is_empty())
    });
    let open_incidents = world.incidents.values().filter(|incident| incident.is_open());
    let unanswered =
        unanswered.count() + open_incidents.map(|incident| incident.paging.unanswered().count()).sum::<usize>();
    let reach = |reach: Reach| live.agents.values().filter(|agent| agent.reach == Some(reach)).count() as f64;
    let reaches = Reach::ALL.iter().map(|one| (format!("{{reach=\"{one}\"}}"), reach(*one))).collect();
    let leases = live.agents.values().map(|agent| usize::try_from(agent.leases).unwrap_or(0)).sum();
    let counts = live.telemetry;
    // A hook's name is a team's own word, of letters, digits and dashes.
    let (hooks, now) = (backend.hooks.all(), (backend.clock)());
    let of_hooks = |figure: &dyn Fn(&crate::api::HookState) -> f64| {
        hooks.iter().map(|(name, state)| (format!("{{hook=\"{name}\"}}"), figure(state))).collect::<Vec<_>>()
    };
    let behind = of_hooks(&|state| worlds.position.saturating_sub(state.position) as f64);
    let failing = of_hooks(&|state| state.failing_since.map_or(0.0, |since| now.since(since) as f64 / 1_000.0));
    let mut measures = vec![
        gauge(
            "andon_ready",
            "Whether the backend can do its work.",
            alone(usize::from(backend.why_not_ready().is_empty())),
        ),
        gauge(
            "andon_leads",
            "Whether it does what only one backend of a database does.",
            alone(usize::from(backend.nodes.leads())),
        ),
        gauge(
            "andon_log_position",
            "Position of the newest event of the log.",
            vec![(String::new(), worlds.position as f64)],
        ),
        gauge("andon_incidents_open", "Incidents that are open.", alone(open)),
        gauge("andon_firings_open", "Firings that are open.", alone(firing.count())),
        gauge(
            "andon_pages_unanswered",
            "Pages of open firings and incidents that nobody acknowledged.",
            alone(unanswered),
        ),
        gauge("andon_hook_behind", "Events of the log that a hook has not come to.", behind),
        gauge("andon_hook_failing_seconds", "Since when a hook takes nothing; 0 while it does.", failing),
        gauge("andon_switches_engaged", "Switches that are engaged.", alone(engaged().count())),
        gauge(
            "andon_switches_unrecorded",
            "Switches in force that the log did not take yet.",
            alone(engaged().filter(|switch| !switch.recorded).count()),
        ),
        gauge(
            "andon_agents_unconfirmed",
            "Counted agents of engaged switches that are not proved stopped.",
            alone(counted(&|halt| halt.counted.saturating_sub(halt.confirmed))),
        ),
        gauge(
            "andon_agents_escaped",
            "Agents that acted past an engaged switch.",
            alone(counted(&|halt| halt.escaped)),
        ),
        gauge("andon_agents", "Agents by how a switch reaches them.", reaches),
        gauge("andon_leases_live", "Leases that are live.", alone(leases)),
        gauge("andon_present", "People with a cockpit open.", alone(live.present.len())),
        gauge(
            "andon_roles_can_fire",
            "Identities that can engage a switch.",
            alone(usize::try_from(live.armed.can_fire).unwrap_or(0)),
        ),
        counter("andon_actions_accepted_total", "Actions judged since the backend began.", counts.accepted),
        counter("andon_actions_rejected_total", "Actions refused item by item.", counts.rejected),
        counter("andon_actions_duplicate_total", "Actions that were counted once already.", counts.duplicate),
        counter("andon_actions_busy_total", "Actions refused for want of room.", counts.busy),
        counter("andon_actions_shed_total", "Actions judged and not kept.", counts.shed),
        counter("andon_actions_without_run_total", "Actions that named no run.", counts.without_run),
    ];
    if let Some(broker) = backend.broker() {
        let figure = |figure: u64| vec![(String::new(), figure as f64)];
        let away = broker.wrong.is_some();
        measures.extend([
            gauge("andon_broker_up", "Whether NATS takes telemetry.", alone(usize::from(!away))),
            gauge("andon_partitions", "Partitions of agents.", figure(broker.partitions.into())),
            gauge("andon_partitions_judged", "Partitions that this backend judges.", alone(broker.judged.len())),
            gauge("andon_partitions_lag", "Actions of them that wait to be judged.", figure(broker.lag)),
            gauge("andon_actions_behind", "Actions that wait to be kept by this backend.", figure(broker.behind)),
            gauge("andon_broker_bytes", "Bytes that the stream of actions holds.", figure(broker.bytes)),
            gauge("andon_broker_bytes_limit", "Bytes that it may hold; 0 is no limit.", figure(broker.bytes_limit)),
            counter("andon_actions_missed_total", "Actions gone from the stream before they were kept.", broker.missed),
            counter("andon_actions_refused_total", "Actions that NATS did not take.", broker.refused),
        ]);
    }
    measures
}
