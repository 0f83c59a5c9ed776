//! Verifies one delivery (`receive`) and decides where it is forwarded and how it is signed again
//! (`forward`).

pub mod forward;
pub mod receive;
