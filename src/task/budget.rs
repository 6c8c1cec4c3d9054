//! One budget of bytes for all batches of a worker (`worker.buffer.bytes`).
//!
//! A partition reserves before it grows; when the budget is empty it waits, and waiting stops its reading. Counted in
//! KiB, because the semaphore counts to four thousand million.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

const UNIT: usize = 1024;

/// The budget. Clones share it.
#[derive(Clone)]
pub struct ByteBudget {
    free: Arc<Semaphore>,
    units: u32,
}

/// Bytes taken from the budget; dropping gives them back.
#[derive(Default)]
pub struct Reservation(Option<OwnedSemaphorePermit>);

impl ByteBudget {
    /// A budget of `bytes`.
    pub fn new(bytes: u64) -> Self {
        let units = u32::try_from(bytes / UNIT as u64).unwrap_or(u32::MAX).max(1);
        Self { free: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// Grows `reservation` to at least `bytes`, if that much is free now.
    pub fn try_grow(&self, reservation: &mut Reservation, bytes: usize) -> bool {
        let missing = self.units_of(bytes).saturating_sub(reservation.units());
        match Arc::clone(&self.free).try_acquire_many_owned(missing) {
            Ok(permit) => {
                reservation.add(permit);
                true
            }
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => false,
        }
    }

    /// Waits until `reservation` holds at least `bytes`, or the whole budget if that is less. Cancel-safe.
    pub async fn grow(&self, reservation: &mut Reservation, bytes: usize) {
        let missing = self.units_of(bytes).saturating_sub(reservation.units());
        // The semaphore is never closed.
        if let Ok(permit) = Arc::clone(&self.free).acquire_many_owned(missing).await {
            reservation.add(permit);
        }
    }

    fn units_of(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units)
    }
}

impl Reservation {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.units() as usize * UNIT
    }

    /// Moves `bytes` (at most what is held) into a reservation of their own and gives the rest back.
    pub fn keep_only(&mut self, bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).min(self.units() as usize);
        let kept = self.0.as_mut().and_then(|permit| permit.split(units));
        self.0 = None;
        Self(kept)
    }

    fn units(&self) -> u32 {
        self.0.as_ref().map_or(0, |permit| u32::try_from(permit.num_permits()).unwrap_or(u32::MAX))
    }

    fn add(&mut self, permit: OwnedSemaphorePermit) {
        match &mut self.0 {
            Some(held) => held.merge(permit),
            None => self.0 = Some(permit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ByteBudget, Reservation};

    #[tokio::test]
    async fn full_means_wait_and_dropping_gives_back() {
        let budget = ByteBudget::new(10 * 1024);
        let mut first = Reservation::default();
        assert!(budget.try_grow(&mut first, 8 * 1024));
        let mut second = Reservation::default();
        assert!(!budget.try_grow(&mut second, 3 * 1024));
        let sealed = first.keep_only(1024);
        assert_eq!((first.bytes(), sealed.bytes()), (0, 1024));
        assert!(budget.try_grow(&mut second, 9 * 1024));
        drop(second);
        drop(sealed);
        let mut all = Reservation::default();
        budget.grow(&mut all, 1 << 40).await;
        assert_eq!(all.bytes(), 10 * 1024, "more than there is means all there is");
    }
}
