//! The table is what Java 17 answers.

use super::{DateFormat, iso};
use proptest::prelude::*;

/// 26 November 2026.
const NOW: i64 = 1_795_651_200_000;

#[rustfmt::skip] // a table: one row is one pattern, one text and its moment
const READ: &[(&str, &str, Option<i64>)] = &[
    ("yyyy-MM-dd", "2020-02-30", Some(1_583_020_800_000)),
    ("yyyy-MM-dd", "2020-13-01", Some(1_609_459_200_000)),
    ("yyyy-MM-dd", "2020-1-1xyz", Some(1_577_836_800_000)),
    ("yyyy-MM-dd", " 2020- 1- 1", Some(1_577_836_800_000)),
    ("yyyy-MM-dd", "x", None),
    ("yyyy-MM-dd", "2020-02", None),
    ("yyyyMMdd", "20200229", Some(1_582_934_400_000)),
    ("yyyyMMddHHmmss", "20200229123456", Some(1_582_979_696_000)),
    ("yyyyMMddHHmmssSSS", "20200229123456789", Some(1_582_979_696_789)),
    ("yy-MM-dd", "20-01-01", Some(1_577_836_800_000)),
    ("yy-MM-dd", "60-01-01", Some(-315_619_200_000)),
    ("yy-MM-dd", "2020-01-01", Some(1_577_836_800_000)),
    ("yy-MM-dd", "5-01-01", Some(-62_009_539_200_000)),
    ("y", "123", Some(-58_285_785_600_000)),
    ("yyyy", "20", Some(-61_536_240_000_000)),
    ("dd MMM yyyy", "05 jan 2020", Some(1_578_182_400_000)),
    ("dd MMMM yyyy", "5 January 2020", Some(1_578_182_400_000)),
    ("dd MMMM yyyy", "5 Jan 2020", Some(1_578_182_400_000)),
    ("dd MMM yyyy", "5 January 2020", Some(1_578_182_400_000)),
    ("dd MMM yyyy", "5 Foo 2020", None),
    ("hh:mm a", "12:30 AM", Some(1_800_000)),
    ("hh:mm a", "12:30 pm", Some(45_000_000)),
    ("hh:mm a", "1:30 PM", Some(48_600_000)),
    ("HH:mm", "24:00", Some(86_400_000)),
    ("kk:mm", "24:30", Some(1_800_000)),
    ("HH:mm", "25:61", Some(93_660_000)),
    ("HH:mm", "-1:30", Some(-1_800_000)),
    ("yyyy-MM-dd'T'HH:mm:ssXXX", "2020-01-01T00:00:00+02:00", Some(1_577_829_600_000)),
    ("yyyy-MM-dd'T'HH:mm:ssXXX", "2020-01-01T00:00:00Z", Some(1_577_836_800_000)),
    ("yyyy-MM-dd'T'HH:mm:ssXXX", "2020-01-01T00:00:00+0200", None),
    ("yyyy-MM-dd'T'HH:mm:ssX", "2020-01-01T00:00:00+02", Some(1_577_829_600_000)),
    ("yyyy-MM-dd'T'HH:mm:ssXX", "2020-01-01T00:00:00+0230", Some(1_577_827_800_000)),
    ("yyyy-MM-dd'T'HH:mm:ssX", "2020-01-01T00:00:00+0230", Some(1_577_829_600_000)),
    ("yyyy-MM-dd'T'HH:mm:ssZ", "2020-01-01T00:00:00+0200", Some(1_577_829_600_000)),
    ("yyyy-MM-dd'T'HH:mm:ssZ", "2020-01-01T00:00:00+02:00", None),
    ("yyyy-MM-dd'T'HH:mm:ssZ", "2020-01-01T00:00:00Z", None),
    ("yyyy-MM-dd HH:mm z", "2020-01-01 00:00 PST", Some(1_577_865_600_000)),
    ("yyyy-MM-dd HH:mm z", "2020-01-01 00:00 GMT+02:00", Some(1_577_829_600_000)),
    ("yyyy-MM-dd HH:mm z", "2020-01-01 00:00 GMT+2", None),
    ("yyyy-MM-dd HH:mm z", "2020-01-01 00:00 GMT", Some(1_577_836_800_000)),
    ("yyyy-MM-dd HH:mm z", "2020-01-01 00:00 UTC", Some(1_577_836_800_000)),
    ("yyyy-MM-dd HH:mm z", "2020-07-01 00:00 CEST", Some(1_593_554_400_000)),
    ("yyyy-MM-dd HH:mm z", "2020-07-01 00:00 CET", Some(1_593_558_000_000)),
    ("yyyy-MM-dd HH:mm z", "2020-01-01 00:00 foo", None),
    ("yyyy-DDD", "2020-060", Some(1_582_934_400_000)),
    ("YYYY-'W'ww-u", "2020-W10-3", Some(1_583_280_000_000)),
    ("YYYY-ww", "2020-10", Some(1_583_020_800_000)),
    ("YYYY", "2020", Some(1_577_577_600_000)),
    ("yyyy-ww-E", "2020-10-Wed", Some(1_583_280_000_000)),
    ("yyyy-MM-W-E", "2020-03-2-Wed", Some(1_583_884_800_000)),
    ("yyyy-MM F E", "2020-03 2 Wed", Some(1_583_884_800_000)),
    ("E", "Wed", Some(518_400_000)),
    ("EEE, dd MMM yyyy", "Fri, 01 Jan 2020", Some(1_577_836_800_000)),
    ("EEEE", "wednesday", Some(518_400_000)),
    ("G yyyy", "BC 0044", Some(-63_524_304_000_000)),
    ("yyyy G", "44 AD", Some(-60_778_857_600_000)),
    ("yyyy", "-5", Some(-62_325_158_400_000)),
    ("SSS", "5", Some(5)),
    ("ss.SSS", "1.5", Some(1_005)),
    ("ss.SSSSSS", "1.123456", Some(124_456)),
    ("yyyy-MM-dd HH:mm:ss.SSSSSS", "2020-01-01 00:00:00.123456", Some(1_577_836_923_456)),
    ("yyyy-MM-dd", "1582-10-10", Some(-12_218_860_800_000)),
    ("yyyy-MM-dd", "1582-10-04", Some(-12_219_379_200_000)),
    ("yyyy-MM-dd", "1500-02-29", Some(-14_825_894_400_000)),
    ("yyyy-MM-dd", "0000-01-01", Some(-62_167_392_000_000)),
    ("yyyy-MM-dd", "99999999999-01-01", Some(1_471_883_220_702_496_768)),
    ("yyyy-MM-dd", "2147483647-01-01", Some(-6_019_000_092_841_406_464)),
    ("ddMMM", "5Jan", Some(345_600_000)),
    ("ddMMM", "12345Jan", Some(1_066_521_600_000)),
    ("HHa", "12AM", Some(43_200_000)),
    ("dMy", "1012020", Some(317_144_678_400_000)),
    ("''yyyy''", "'2020'", Some(1_577_836_800_000)),
    ("yyyy 'o''clock'", "2020 o'clock", Some(1_577_836_800_000)),
    ("yyyy-MM-dd", "2020/01/01", None),
    ("'x'", "x", Some(0)),
    ("MMM", "jAnUaRy", Some(0)),
    ("M", "Jan", None),
    ("MM", "1e1", Some(0)),
    ("mm", "90", Some(5_400_000)),
    ("hh", "13", Some(46_800_000)),
    ("KK a", "12 PM", Some(86_400_000)),
    ("HH hh a", "10 03 PM", Some(54_000_000)),
    ("hh HH", "03 10", Some(36_000_000)),
    ("hh a HH", "03 PM 10", Some(36_000_000)),
    ("yyyy-MM-dd", "2020--1-01", Some(1_572_566_400_000)),
    ("yyyy-MM-dd\tHH", "2020-01-01\t05", Some(1_577_854_800_000)),
    ("yyyy MM", "2020\n01", None),
    ("u", "9", Some(345_600_000)),
    ("L", "5", Some(10_368_000_000)),
    ("LLL", "May", Some(10_368_000_000)),
    ("zzzz", "Pacific Standard Time", Some(28_800_000)),
    ("z", "EST5EDT", Some(18_000_000)),
    ("z", "-08:00", None),
    ("z", "-0800", Some(28_800_000)),
    ("z", "-8", None),
    ("X", "+5", None),
    ("X", "+123", Some(-43_200_000)),
    ("XX", "+05", None),
    ("Z", "+5", None),
    ("Z", "+2460", None),
    ("Z", "+2359", Some(-86_340_000)),
    ("z", "GMT+24:00", None),
    ("z", "gmt-3:30x", Some(12_600_000)),
    ("z", "GMT+0330", None),
    ("W", "2", Some(259_200_000)),
    ("F", "2", Some(864_000_000)),
    ("w", "10", Some(5_097_600_000)),
    ("D d", "60 5", Some(345_600_000)),
    ("d D", "5 60", Some(5_097_600_000)),
    ("MM E", "05 Tue", Some(10_713_600_000)),
    ("yyyy w", "2021 1", Some(1_609_027_200_000)),
    ("yyyy W", "2021 3", Some(1_610_236_800_000)),
    ("a", "PM", Some(43_200_000)),
    ("h", "3", Some(10_800_000)),
    ("G", "BC", Some(-124_304_284_800_000)),
    ("G", "ad", Some(0)),
    ("yyyy.MM", "2020..5", None),
    ("HHmm", "123", Some(43_380_000)),
    ("HHmm", "1234", Some(45_240_000)),
    ("HHmmss", "12345", Some(45_245_000)),
    ("yyyyMM", "20205", Some(1_588_291_200_000)),
    ("yyyyMM", "20201", Some(1_577_836_800_000)),
    ("yyMMdd", "200101", Some(1_577_836_800_000)),
    ("yyMMdd", "2001011", Some(1_578_700_800_000)),
    ("yyyy", "1E3", Some(-30_609_792_000_000)),
    ("", "", None),
    ("", "abc", None),
];

#[test]
fn texts_are_read_as_java_reads_them() {
    for (pattern, text, expected) in READ {
        let format = DateFormat::new(pattern, NOW).unwrap();
        assert_eq!(format.parse(text), *expected, "{pattern} of {text:?}");
    }
}

#[rustfmt::skip] // a table: one row is one pattern and what it makes of the moments
const WRITTEN: &[(&str, [&str; 6])] = &[
    ("G GGGG y yy yyy yyyy yyyyy", ["AD AD 1970 70 1970 1970 01970", "AD AD 2023 23 2023 2023 02023", "AD AD 1 01 001 0001 00001", "AD AD 1582 82 1582 1582 01582", "AD AD 10000 00 10000 10000 10000", "AD AD 2016 16 2016 2016 02016"]),
    ("Y YY YYYY w ww W D DDD d F", ["1970 70 1970 1 01 1 1 001 1 1", "2023 23 2023 46 46 3 318 318 14 2", "1 01 0001 2 02 2 2 002 2 1", "1582 82 1582 40 40 1 277 277 4 1", "10000 00 10000 1 01 1 1 001 1 1", "2016 16 2016 53 53 5 366 366 31 5"]),
    ("M MM MMM MMMM MMMMM L LLL LLLL", ["1 01 Jan January January 1 Jan January", "11 11 Nov November November 11 Nov November", "1 01 Jan January January 1 Jan January", "10 10 Oct October October 10 Oct October", "1 01 Jan January January 1 Jan January", "12 12 Dec December December 12 Dec December"]),
    ("E EEEE u a aaa H k K h m s S SSSSSS", ["Thu Thursday 4 AM AM 0 24 0 12 0 0 0 000000", "Tue Tuesday 2 PM PM 22 22 10 10 13 20 123 000123", "Sun Sunday 7 PM PM 23 23 11 11 59 59 999 000999", "Thu Thursday 4 PM PM 23 23 11 11 59 59 999 000999", "Sat Saturday 6 AM AM 0 24 0 12 0 0 0 000000", "Sat Saturday 6 AM AM 0 24 0 12 0 0 0 000000"]),
    ("z zzzz Z X XX XXX", ["UTC Coordinated Universal Time +0000 Z Z Z", "UTC Coordinated Universal Time +0000 Z Z Z", "UTC Coordinated Universal Time +0000 Z Z Z", "UTC Coordinated Universal Time +0000 Z Z Z", "UTC Coordinated Universal Time +0000 Z Z Z", "UTC Coordinated Universal Time +0000 Z Z Z"]),
    ("'a''b' '' é_/:", ["a'b ' é_/:", "a'b ' é_/:", "a'b ' é_/:", "a'b ' é_/:", "a'b ' é_/:", "a'b ' é_/:"]),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", ["1970-01-01T00:00:00.000Z", "2023-11-14T22:13:20.123Z", "0001-01-02T23:59:59.999Z", "1582-10-04T23:59:59.999Z", "10000-01-01T00:00:00.000Z", "2016-12-31T00:00:00.000Z"]),
    ("EEE, d MMM yyyy HH:mm:ss Z", ["Thu, 1 Jan 1970 00:00:00 +0000", "Tue, 14 Nov 2023 22:13:20 +0000", "Sun, 2 Jan 0001 23:59:59 +0000", "Thu, 4 Oct 1582 23:59:59 +0000", "Sat, 1 Jan 10000 00:00:00 +0000", "Sat, 31 Dec 2016 00:00:00 +0000"]),
    ("yyyyMMdd", ["19700101", "20231114", "00010102", "15821004", "100000101", "20161231"]),
];

#[test]
fn moments_are_written_as_java_writes_them() {
    let moments = [
        0,
        1_700_000_000_123,
        -62_135_596_800_001,
        -12_219_292_800_001,
        253_402_300_800_000,
        1_483_142_400_000,
    ];
    for (pattern, expected) in WRITTEN {
        let format = DateFormat::new(pattern, NOW).unwrap();
        assert_eq!(moments.map(|ms| format.format(ms)), *expected, "{pattern}");
    }
}

#[test]
fn wrong_patterns_are_named_in_javas_words() {
    for (pattern, message) in [
        ("XXXX", "invalid ISO 8601 format: length=4"),
        ("'abc", "Unterminated quote"),
        ("yyyyb", "Illegal pattern character 'b'"),
    ] {
        let error = DateFormat::new(pattern, NOW).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.class(), "java.lang.IllegalArgumentException");
    }
}

#[test]
fn the_iso_form_is_chosen_by_the_value() {
    for (ms, text) in [
        (0, "00:00:00.000Z"),
        (52_494_346, "14:34:54.346Z"),
        (86_400_000, "1970-01-02"),
        (1_566_570_894_346, "2019-08-23T14:34:54.346Z"),
        (-86_400_000, "00:00:00.000Z"),
    ] {
        assert_eq!(iso(ms), text);
    }
}

proptest! {
    #[test]
    fn no_pattern_and_no_text_is_too_much(pattern in "[GyMdkHmsSEDFwWahKzZYuXL' :.\\-A-Za-z]{0,12}", text in "\\PC{0,24}", ms: i64) {
        if let Ok(format) = DateFormat::new(&pattern, NOW) {
            format.format(ms);
            format.parse(&text);
            let written = format.format(ms);
            format.parse(&written);
        }
    }

    #[test]
    fn what_is_written_is_read_again(ms in -200_000_000_000_000_i64..200_000_000_000_000) {
        let format = DateFormat::new("G yyyy-MM-dd'T'HH:mm:ss.SSSZ", NOW).unwrap();
        prop_assert_eq!(format.parse(&format.format(ms)), Some(ms));
    }
}
