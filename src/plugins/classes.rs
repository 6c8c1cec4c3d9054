//! What keys that name classes ask, answered from the catalogue.

use super::{Plugins, converter_keys};
use crate::configdef::def::Checked;
use crate::configdef::{Classes, ConnectorProperties, PluginKind, Problems, aliases};
use crate::transform;

impl Classes for Plugins {
    fn resolve(&self, kind: PluginKind, text: &str) -> Option<&'static str> {
        let known = self.known(kind);
        if let Some((exact, _)) = known.iter().find(|(class, _)| *class == text) {
            return Some(exact);
        }
        let is_meant = |(class, has_alias): &(&'static str, bool)| {
            *has_alias && aliases(kind, class).any(|alias| alias == text)
        };
        let mut by_alias = known.into_iter().filter(is_meant);
        let (found, _) = by_alias.next()?;
        by_alias.next().is_none().then_some(found)
    }

    fn names(&self, kind: PluginKind) -> Vec<&'static str> {
        self.known(kind).into_iter().map(|(class, _)| class).collect()
    }

    fn hint(&self, text: &str) -> Option<String> {
        transform::hint(text)
    }

    fn check_converter(
        &self,
        side: &str,
        class: &str,
        raw: &ConnectorProperties,
        problems: &mut Problems,
    ) -> Vec<Checked> {
        converter_keys::check(self, (side, class), raw, problems)
    }
}

#[cfg(test)]
mod tests {
    use crate::configdef::{Classes, PluginKind, Properties};
    use crate::convert::{Made, avro, json, primitive};
    use crate::data::Converted;
    use crate::plugins::BUILT_IN;

    #[test]
    fn aliases_lead_to_one_class() {
        for (text, class) in [
            ("Json", Some(json::ROW.class)),
            ("JsonConverter", Some(json::ROW.class)),
            (primitive::STRING.class, Some(primitive::STRING.class)),
            ("Nope", None),
            ("", None),
        ] {
            assert_eq!(BUILT_IN.resolve(PluginKind::Converter, text), class, "{text}");
        }
        let resolve = |kind, text| BUILT_IN.resolve(kind, text);
        assert!(resolve(PluginKind::Transformation, "Value").is_none(), "an alias of many classes is none");
        assert!(resolve(PluginKind::Transformation, "Filter").is_some());
        assert!(resolve(PluginKind::HeaderConverter, "Simple").is_some());
        assert_eq!(resolve(PluginKind::Converter, "Avro"), Some(avro::CONFLUENT.class), "not Apicurio's");
        assert!(resolve(PluginKind::HeaderConverter, avro::CONFLUENT.class).is_none(), "it reads no headers");
    }

    #[test]
    fn offers_what_connect_offers() {
        assert_eq!(BUILT_IN.names(PluginKind::Transformation).len(), 26);
        assert_eq!(BUILT_IN.names(PluginKind::HeaderConverter).len(), 10);
    }

    #[test]
    fn converters_are_made_by_name_and_alias() {
        let of = |class: &str| {
            let config = BUILT_IN.converter("value", class, &Properties::new()).unwrap();
            let Made::Plain(made) = config.make().unwrap() else { panic!("it needs a registry") };
            made
        };
        for class in ["org.apache.kafka.connect.storage.StringConverter", "StringConverter", "String"] {
            assert_eq!(of(class).convert(Some(b"a,b")), Ok(Converted::Text("a,b".into())));
            assert_eq!(of(class).convert(None), Ok(Converted::Null));
        }
        let bytes = of("ByteArray");
        assert_eq!(bytes.convert(Some(b"\xff\0")), Ok(Converted::Bytes(b"\xff\0".as_slice().into())));
        assert!(BUILT_IN.converter("value", "Nope", &Properties::new()).is_err());
        let avro = BUILT_IN.converter("value", "Avro", &Properties::new()).unwrap_err();
        assert!(avro.to_string().contains("schema.registry.url"), "{avro}");
    }
}
