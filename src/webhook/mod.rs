//! Verifies one delivery (`receive`) and decides where it is forwarded and how it is signed again
//! (`forward`), along which routes (`route`). `expectation` compares events with expected ones.

pub mod expectation;
pub mod forward;
pub mod receive;
pub mod route;
