//! Post-mortems (PM).

use std::time::Duration;

use reqwest::Method;
use uuid::Uuid;

use super::{Client, ClientError};
use crate::{
    api::{Accepted, Ask, ProposeTripwires, path},
    incident::postmortem::TripwireBacktest,
    terms::{DrillId, IncidentId},
};

/// How long judging a month of actions twice may take.
const BACKTEST: Duration = Duration::from_secs(600);

impl Client {
    /// What proposed tripwires would have done to an incident.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn try_tripwires(
        &self,
        world: Option<DrillId>,
        incident: IncidentId,
        proposed: &ProposeTripwires,
    ) -> Result<TripwireBacktest, ClientError> {
        let at = format!("{}/backtest{}", path::postmortem(incident), path::in_world(world));
        self.json_within(self.request(Method::POST, &at).json(proposed), BACKTEST).await
    }

    /// Proposes them, with those figures.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn propose_tripwires(
        &self,
        world: Option<DrillId>,
        incident: IncidentId,
        proposed: ProposeTripwires,
    ) -> Result<Accepted, ClientError> {
        let at = format!("{}/tripwires{}", path::postmortem(incident), path::in_world(world));
        let ask = Ask { id: Uuid::now_v7(), command: proposed };
        self.json_within(self.request(Method::POST, &at).json(&ask), BACKTEST).await
    }
}
