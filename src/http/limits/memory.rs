//! A bound on the memory that many requests hold together.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Bytes that need no share: no more than a connection takes for its buffers anyway. So an ordinary
/// update is taken and a short answer given, however much is in flight.
pub(in crate::http) const FREE_OF_CHARGE: usize = 8 * 1024;

/// Memory is given out in pieces of so many bytes: a semaphore counts to 2^32 at once.
const PIECE: usize = 1024;

/// Bytes of memory to hold, given out in shares.
#[derive(Debug, Clone)]
pub(in crate::http) struct Budget {
    pieces: Arc<Semaphore>,
    all: u32,
}

impl Budget {
    /// So many bytes.
    pub(in crate::http) fn new(bytes: usize) -> Self {
        let all = pieces(bytes);
        Self {
            pieces: Arc::new(Semaphore::new(all as usize)),
            all,
        }
    }

    /// Bytes that are given out.
    pub(in crate::http) fn used(&self) -> usize {
        (self.all as usize - self.pieces.available_permits()) * PIECE
    }

    /// A share of so many bytes, as soon as there is room for it. Whoever waits must hold no other.
    pub(in crate::http) async fn share_of(&self, bytes: usize) -> Share {
        let mut share = self.share();
        if bytes > FREE_OF_CHARGE {
            let pieces = pieces(bytes).min(self.all);
            let granted = self.pieces.acquire_many(pieces).await;
            granted.expect("the semaphore is never closed").forget();
            share.pieces = pieces;
        }
        share
    }

    /// A share of nothing, to begin with.
    pub(in crate::http) fn share(&self) -> Share {
        Share {
            budget: self.clone(),
            pieces: 0,
        }
    }
}

/// Some of the bytes, given back when it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Share {
    budget: Budget,
    pieces: u32,
}

impl Share {
    /// Makes room for `bytes` in all, if there is room now: shares that wait for each other could wait
    /// for ever. Who needs more than there is gets all there is.
    #[must_use]
    pub(in crate::http) fn grow_to(&mut self, bytes: usize) -> bool {
        if bytes <= FREE_OF_CHARGE {
            return true;
        }
        let more = pieces(bytes)
            .min(self.budget.all)
            .saturating_sub(self.pieces);
        match self.budget.pieces.try_acquire_many(more) {
            Ok(granted) => {
                granted.forget();
                self.pieces += more;
                true
            }
            Err(_) => false,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.pieces.add_permits(self.pieces as usize);
    }
}

fn pieces(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_share_is_waited_for_until_there_is_room() {
        let budget = Budget::new(100 * PIECE);
        let all = budget.share_of(1_000 * PIECE).await;
        assert_eq!(budget.used(), 100 * PIECE);
        assert_eq!(budget.share_of(FREE_OF_CHARGE).await.pieces, 0);
        let mut given_up = Box::pin(budget.share_of(60 * PIECE));
        assert!((&mut given_up).now_or_never().is_none());
        drop(given_up);
        let waiting = budget.share_of(60 * PIECE);
        let (share, ()) = tokio::join!(waiting, async { drop(all) });
        assert_eq!(budget.used(), 60 * PIECE);
        drop(share);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn shares_grow_until_all_is_given_out_and_come_back_when_they_end() {
        let budget = Budget::new(100 * PIECE);
        let (mut one, mut other) = (budget.share(), budget.share());
        assert!(one.grow_to(50 * PIECE) && other.grow_to(40 * PIECE));
        assert!(one.grow_to(60 * PIECE) && !one.grow_to(61 * PIECE));
        assert!(
            other.grow_to(FREE_OF_CHARGE),
            "what is free is always there"
        );
        drop(one);
        assert!(other.grow_to(1_000 * PIECE), "all there is");
        assert!(!budget.share().grow_to(9 * PIECE));
        drop(other);
        assert!(budget.share().grow_to(100 * PIECE));
    }
}
