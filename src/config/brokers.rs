//! `bootstrap.servers`: addresses of brokers as Java's clients read them. Pure; no name is looked up here.

/// The addresses with commas between, as librdkafka wants them; or what is wrong with them. A scheme before an address
/// (`PLAINTEXT://`) is left out, as Java does.
pub fn addresses(text: &str) -> Result<String, String> {
    let mut found = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let address = entry.split_once("://").map_or(entry, |(_, address)| address);
        let Some((host, port)) = address.rsplit_once(':') else {
            return Err(format!(
                "{entry} has no port: write {entry}:9092, or whatever port the brokers listen on"
            ));
        };
        let is_v6 = host.starts_with('[') && host.ends_with(']');
        if host.contains(':') && !is_v6 {
            return Err(format!(
                "{entry} is no host:port; an address of IPv6 stands in brackets, [::1]:9092"
            ));
        }
        if host.is_empty() || host == "[]" {
            return Err(format!("{entry} has no host: write host:port"));
        }
        let is_known = |c: char| c.is_ascii_alphanumeric() || "-._%[]:".contains(c);
        if !host.chars().all(is_known) {
            return Err(format!("{entry} is no host:port"));
        }
        if port.parse::<u16>().is_err() {
            return Err(format!("{entry} has no port from 0 to 65535 behind its host"));
        }
        found.push(address);
    }
    if found.is_empty() {
        return Err("must name a broker as host:port".to_owned());
    }
    Ok(found.join(","))
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for (text, expected) in [
            ("a:9092", "a:9092"),
            (" a:9092 ,, b.c:1 ", "a:9092,b.c:1"),
            ("SASL_SSL://a:9093", "a:9093"),
            ("[::1]:9092", "[::1]:9092"),
            ("none:0", "none:0"),
        ] {
            assert_eq!(addresses(text).as_deref(), Ok(expected));
        }
        for (text, words) in [
            ("", "must name a broker"),
            (" , ", "must name a broker"),
            ("kafka", "has no port: write kafka:9092"),
            ("a:1,kafka", "kafka has no port"),
            (":9092", "has no host"),
            ("a:", "has no port from"),
            ("a:x", "has no port from"),
            ("a:65536", "has no port from"),
            ("::1:9092", "in brackets"),
            ("a b:1", "is no host:port"),
        ] {
            let error = addresses(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
