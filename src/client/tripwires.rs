//! What a switch approved for a tripwire would have done.

use std::time::Duration;

use reqwest::Method;

use super::{Client, ClientError};
use crate::{
    api::{AutoPlan, BacktestView, path},
    terms::DrillId,
};

/// A month of telemetry is judged again in less.
const BACKTEST: Duration = Duration::from_secs(180);

impl Client {
    /// Has the backend judge its stored telemetry as if `plan` had been approved.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn backtest(&self, world: Option<DrillId>, plan: &AutoPlan) -> Result<BacktestView, ClientError> {
        let at = format!("{}{}", path::BACKTEST, path::in_world(world));
        self.json_within(self.request(Method::POST, &at).json(plan), BACKTEST).await
    }
}
