//! Converters and transformations as a connector's settings make them.

use std::collections::BTreeMap;
use std::sync::Arc;

use kusto_connect::convert::{Converter, Made, RegisteredConverter};
use kusto_connect::plugins::BUILT_IN;
use kusto_connect::transform::TransformationChain;

fn made(side: &str, class: &str, settings: &[(&str, &str)]) -> Result<Made, String> {
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let config = BUILT_IN.converter(side, class, &settings).map_err(|errors| errors.to_string())?;
    config.make().map_err(|error| error.to_string())
}

/// A converter that needs no registry; `side` is `key`, `value` or `header`.
pub fn converter(side: &str, class: &str, settings: &[(&str, &str)]) -> Result<Arc<dyn Converter>, String> {
    match made(side, class, settings)? {
        Made::Plain(converter) => Ok(converter),
        Made::Registered(_) => Err(format!("{class} needs a registry")),
    }
}

/// A converter of values that needs a registry, which is not asked.
pub fn registered(class: &str) -> RegisteredConverter {
    let nowhere = "http://127.0.0.1:1";
    let key = if class.starts_with("io.apicurio.") { "apicurio.registry.url" } else { "schema.registry.url" };
    match made("value", class, &[(key, nowhere)]) {
        Ok(Made::Registered(converter)) => converter,
        Ok(Made::Plain(_)) => panic!("{class} needs no registry"),
        Err(error) => panic!("{error}"),
    }
}

/// The chain of these settings.
pub fn chain(settings: &BTreeMap<String, String>) -> TransformationChain {
    let plan = BUILT_IN.transformations(settings).expect("good settings");
    TransformationChain::new(&plan).expect("good settings")
}
