//! How this product is called where programs read it. Pure.
//!
//! Rooms of the framework say no word of the services that sinks write to; the product's own name, which has one in it,
//! stands here for them.

/// What the names of our own metrics begin with.
pub const PREFIX: &str = "kusto";
