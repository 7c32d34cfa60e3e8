//! A secret that every backend of a database shares: kept beside the log, made by whichever needs it first.

use tokio::sync::OnceCell;

use super::core::Core;
use crate::api::Problem;

/// One such key.
pub struct KeptKey {
    name: &'static str,
    key: OnceCell<Vec<u8>>,
}

impl KeptKey {
    /// The one that is kept as `name`.
    pub const fn named(name: &'static str) -> Self {
        Self { name, key: OnceCell::const_new() }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// A system without randomness, or a log that does not answer.
    pub async fn get(&self, core: &Core) -> Result<&[u8], Problem> {
        let key = self.key.get_or_try_init(|| async {
            let mut fresh = [0_u8; 32];
            getrandom::fill(&mut fresh)
                .map_err(|why| Problem::unavailable(format!("the system gives no random bytes ({why})")))?;
            let kept = core.put_aside(self.name, &hex::encode(fresh), false).await?;
            hex::decode(&kept).map_err(|_| Problem::unavailable(format!("the {} does not read", self.name)))
        });
        Ok(key.await?)
    }
}
