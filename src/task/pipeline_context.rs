//! What all pipelines of a connector share.

use super::bad_records::BadRecordHandler;
use super::budget::ConnectorBudget;
use super::record_converter::RecordConverter;
use super::report::PipelineReport;
use crate::sink::SettingNames;
use tokio::sync::mpsc;

/// Of one connector.
pub(super) struct PipelineContext {
    pub(super) converter: RecordConverter,
    pub(super) bad_records: BadRecordHandler,
    /// The sink's settings that messages point at.
    pub(super) setting_names: SettingNames,
    /// The worker's memory for batches, as this connector may use it.
    pub(super) budget: ConnectorBudget,
    /// The sink tells later what became of batches.
    pub(super) tells_fates: bool,
    /// Where pipelines report.
    pub(super) reports: mpsc::Sender<PipelineReport>,
}
