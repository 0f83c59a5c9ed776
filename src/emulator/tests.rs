//! The state machine, in process: calls and time in, answers and deliveries out.
