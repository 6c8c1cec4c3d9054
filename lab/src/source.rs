//! Where events come from: a `StormEvents.csv` when there is one, the generator otherwise.
//!
//! The reader owns its file and holds one record at a time; it never guesses at a broken row, it names the line.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::events::{Generator, Options, StormEvent};

/// The columns of a StormEvents.csv that the lab keeps, in the order of [`StormEvent`].
const COLUMNS: [usize; 6] = [0, 1, 3, 4, 5, 12];

/// Why no event could be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is there and cannot be opened.
    #[error("SOURCE_FILE {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no CSV.
    #[error("SOURCE_FILE: {0}")]
    Csv(#[from] csv::Error),
    /// A row has too few columns or a number that is none.
    #[error("SOURCE_FILE: record {record}: {problem}")]
    Row {
        /// Counted from one, the header not included.
        record: u64,
        /// What is wrong with it.
        problem: String,
    },
}

/// A stream of events and a word on where they come from.
pub struct Source {
    /// For the reader of the log: file or generator, and why.
    pub description: String,
    events: Box<dyn Iterator<Item = Result<StormEvent, Error>> + Send>,
}

impl Source {
    /// Reads `path` when it exists, generates otherwise: the lab must run without its download.
    pub fn open(path: Option<&Path>, options: Options) -> Result<Self, Error> {
        let generator = || Box::new(Generator::new(options).map(Ok));
        let seed = options.seed;
        match path {
            None => Ok(Self {
                description: format!("generated events, seed {seed} (no SOURCE_FILE)"),
                events: generator(),
            }),
            Some(path) => match File::open(path) {
                Ok(file) => {
                    Ok(Self { description: format!("file {}", path.display()), events: Box::new(read(file)) })
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self {
                    description: format!(
                        "generated events, seed {seed} (SOURCE_FILE {} does not exist)",
                        path.display()
                    ),
                    events: generator(),
                }),
                Err(source) => Err(Error::Open { path: path.to_owned(), source }),
            },
        }
    }
}

impl Iterator for Source {
    type Item = Result<StormEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.events.next()
    }
}

/// The events of a StormEvents.csv, its header skipped. Rows may have more columns than we keep.
pub fn read(input: impl Read) -> impl Iterator<Item = Result<StormEvent, Error>> {
    let reader = csv::ReaderBuilder::new().has_headers(true).flexible(true).from_reader(input);
    reader.into_records().zip(1..).map(|(row, record)| event(&row?, record))
}

fn event(row: &csv::StringRecord, record: u64) -> Result<StormEvent, Error> {
    let problem = |problem: String| Error::Row { record, problem };
    let column = |index: usize| {
        row.get(index).ok_or_else(|| problem(format!("has {} columns, column {index} is needed", row.len())))
    };
    let [start_time, end_time, event_id, state, event_type, source] = COLUMNS.map(column);
    let event_id = event_id?;
    Ok(StormEvent {
        start_time: start_time?.to_owned(),
        end_time: end_time?.to_owned(),
        event_id: event_id
            .parse()
            .map_err(|_| problem(format!("EventId {event_id:?} is no whole number")))?,
        state: state?.to_owned(),
        event_type: event_type?.to_owned(),
        source: source?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "StartTime,EndTime,EpisodeId,EventId,State,EventType,InjuriesDirect,InjuriesIndirect,DeathsDirect,\
        DeathsIndirect,DamageProperty,DamageCrops,Source,BeginLocation\n\
        2007-01-01 00:00:00.0000000,2007-01-01 01:00:00.0000000,2408,13208,NORTH CAROLINA,Thunderstorm Wind,0,0,0,0,0,0,Public,\n\
        2007-01-02 00:00:00.0000000,2007-01-02 01:00:00.0000000,7,8,\"A, \"\"B\"\"\",\"two\nlines\",0,0,0,0,0,0,é,here\n";

    #[test]
    fn keeps_the_six_columns_of_the_lab_and_skips_the_header() {
        let events: Vec<StormEvent> = read(FILE.as_bytes()).collect::<Result<_, _>>().unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].event_id, 13208);
        assert_eq!(events[0].source, "Public");
        assert_eq!(events[1].state, "A, \"B\"");
        assert_eq!(events[1].event_type, "two\nlines");
    }

    #[test]
    fn a_broken_row_is_named() {
        let short = read("a,b\n1,2\n".as_bytes()).next().unwrap().unwrap_err();
        assert_eq!(short.to_string(), "SOURCE_FILE: record 1: has 2 columns, column 3 is needed");
        let word = FILE.replace("13208", "many");
        let error = read(word.as_bytes()).next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "SOURCE_FILE: record 1: EventId \"many\" is no whole number");
    }

    #[test]
    fn a_missing_file_falls_back_and_says_so() {
        let mut source =
            Source::open(Some(Path::new("/nowhere/StormEvents.csv")), Options::seeded(1)).unwrap();
        assert!(
            source.description.contains("/nowhere/StormEvents.csv does not exist"),
            "{}",
            source.description
        );
        assert_eq!(source.next().unwrap().unwrap(), Generator::new(Options::seeded(1)).next().unwrap());
    }

    #[test]
    fn a_file_is_read_to_its_end() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, FILE.as_bytes()).unwrap();
        let source = Source::open(Some(file.path()), Options::seeded(1)).unwrap();
        assert!(source.description.starts_with("file "));
        assert_eq!(source.count(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _events: Vec<Result<StormEvent, Error>> = read(bytes.as_slice()).collect();
        }
    }
}
