//! Kusto's scalar types and their names on the wire.

/// A scalar type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KustoType {
    /// UTF-8 text; never null.
    String,
    /// 32-bit signed integer.
    Int,
    /// 64-bit signed integer.
    Long,
    /// 64-bit floating point.
    Real,
    /// True or false.
    Bool,
    /// A moment, in ticks of 100 ns, UTC.
    DateTime,
    /// A length of time, in ticks of 100 ns.
    TimeSpan,
    /// A 128-bit identifier.
    Guid,
    /// A decimal number, exact.
    Decimal,
    /// Any JSON value.
    Dynamic,
}

impl KustoType {
    /// The type's name in Kusto: `string`, `long`…
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Long => "long",
            Self::Real => "real",
            Self::Bool => "bool",
            Self::DateTime => "datetime",
            Self::TimeSpan => "timespan",
            Self::Guid => "guid",
            Self::Decimal => "decimal",
            Self::Dynamic => "dynamic",
        }
    }

    /// The .NET name that V1 answers carry in `DataType`.
    pub fn dotnet(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Int => "Int32",
            Self::Long => "Int64",
            Self::Real => "Double",
            Self::Bool => "Boolean",
            Self::DateTime => "DateTime",
            Self::TimeSpan => "TimeSpan",
            Self::Guid => "Guid",
            Self::Decimal => "SqlDecimal",
            Self::Dynamic => "Object",
        }
    }

    /// The .NET name with its namespace, as schemas carry it.
    pub fn dotnet_full(self) -> &'static str {
        match self {
            Self::String => "System.String",
            Self::Int => "System.Int32",
            Self::Long => "System.Int64",
            Self::Real => "System.Double",
            Self::Bool => "System.SByte",
            Self::DateTime => "System.DateTime",
            Self::TimeSpan => "System.TimeSpan",
            Self::Guid => "System.Guid",
            Self::Decimal => "System.Data.SqlTypes.SqlDecimal",
            Self::Dynamic => "System.Object",
        }
    }

    /// The type called `name` in a command, with Kusto's synonyms (`double`, `date`, `boolean`, `time`, `uuid`…).
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "string" => Self::String,
            "int" | "int32" => Self::Int,
            "long" | "int64" => Self::Long,
            "real" | "double" => Self::Real,
            "bool" | "boolean" => Self::Bool,
            "datetime" | "date" => Self::DateTime,
            "timespan" | "time" => Self::TimeSpan,
            "guid" | "uuid" | "uniqueid" => Self::Guid,
            "decimal" => Self::Decimal,
            "dynamic" | "object" => Self::Dynamic,
            _ => return None,
        })
    }

    /// True for the types that add up: int, long, real, decimal.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Long | Self::Real | Self::Decimal)
    }
}
