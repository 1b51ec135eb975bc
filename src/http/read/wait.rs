//! Waiting for a run to be over.

use std::{str::FromStr, time::Duration};

use tokio::time::sleep;
use utoipa::ToSchema;

use crate::{
    http::{app::App, limits::rate::WAKING, params::whole_number, problem::Problem},
    run::{FromText, Run, RunId, Status},
};

/// Waits until a run is over, but no longer than so long, nor than the service serves.
pub(super) async fn until_over(app: &App, run_id: RunId, longest: Duration) -> Result<(), Problem> {
    let is_over = |run: &Run| run.status().is_some_and(Status::is_terminal);
    if longest.is_zero() || app.store.get(run_id).is_some_and(|run| is_over(&run)) {
        return Ok(());
    }
    let mut subscriber = app.subscribers.join()?;
    let mut watch = app.store.watch(run_id);
    let over = async {
        loop {
            watch.changed().await;
            let now = app.store.look(&mut watch);
            if now.is_some_and(|(_, run)| is_over(&run)) {
                break;
            }
            subscriber.pace.pay(WAKING).await;
        }
    };
    tokio::select! {
        () = over => {}
        () = sleep(longest) => {}
        () = app.shutdown.cancelled() => {}
    }
    Ok(())
}

/// How long to wait for a run to be over, in seconds.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(value_type = u8, minimum = 0, maximum = 60)]
pub(in crate::http) struct Wait(pub(super) Duration);

impl FromStr for Wait {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let seconds = whole_number(text, 0..=60)?;
        Ok(Self(Duration::from_secs(seconds as u64)))
    }
}

impl FromText for Wait {
    const ACCEPTED: &'static str = "a whole number of seconds from 0 to 60";
}
