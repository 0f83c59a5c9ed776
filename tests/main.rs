//! The one integration binary: whole commands, in a made-up world or as a real process.

mod common;
mod diagnosis;
mod help;
mod layers;
mod listen;
mod replay;
mod samples;
mod sign;
mod verify;
