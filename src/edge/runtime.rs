//! Waits for futures in code that is not asynchronous.

use std::pin::{Pin, pin};
use tokio::runtime::Runtime;

/// Runs a future to its end. All futures share one copy of the runtime's loop: `Runtime::block_on`
/// adds some 8 kB of code for each type of future.
pub(super) fn block_on<T>(runtime: &Runtime, future: impl Future<Output = T>) -> T {
    let mut result = None;
    {
        let future: Pin<&mut dyn Future<Output = ()>> = pin!(async { result = Some(future.await) });
        runtime.block_on(future);
    }
    result.expect("a future that has ended has a result")
}
