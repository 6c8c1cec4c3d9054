//! Connect's `ConfigDef`: tables of keys, reading and checking of texts by them, and the typed values that come out.
//!
//! Pure, and without any class or key of its own: what classes exist is asked of [`Classes`]. Never prints a secret.

mod check;
mod class_settings;
mod classes;
pub mod def;
mod errors;
mod nearest;
mod plugin_kind;
mod redact;
mod settings;
mod table;
mod value;
mod values;

pub use check::{Written, check_key, trim};
pub use class_settings::ClassSettings;
pub use classes::{Classes, aliases};
pub use errors::{ConfigError, ConfigErrors, Problems};
pub use nearest::{did_you_mean, nearest};
pub use plugin_kind::PluginKind;
pub use redact::{Redacted, is_secret, plain_address, secret_words, shown, tells_secrets};
pub use settings::{CONNECT_VERSION, ConnectorProperties, Properties, with_prefix};
pub use table::check_table;
pub use value::ConfigValue;
pub use values::Values;
