//! What the tasks of one connector hear: the receiving end of a bounded channel.

use crate::sink::{BatchNews, FateTeller};
use async_trait::async_trait;
use tokio::sync::mpsc;

/// News that wait for a connector's loop; a loop that is slow holds the matching up.
pub(super) const NEWS_PLACES: usize = 1024;
/// News that are told at once.
const AT_ONCE: usize = 256;

/// Tells one connector's tasks.
#[derive(Debug)]
pub(super) struct FollowedFates(pub(super) mpsc::Receiver<BatchNews>);

#[async_trait]
impl FateTeller for FollowedFates {
    async fn news(&mut self) -> Vec<BatchNews> {
        let mut news = Vec::new();
        // None comes when the sink is gone, or another listener took this one's place.
        if self.0.recv_many(&mut news, AT_ONCE).await == 0 {
            return std::future::pending().await;
        }
        news
    }
}
