//! The one clock at the edge (law 9): everything else is told the time.

use std::sync::Arc;

use crate::terms::Time;

/// Tells the present moment. Tests and drills bring their own.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// The machine's clock.
pub fn system() -> Clock {
    Arc::new(|| chrono::Utc::now().into())
}
