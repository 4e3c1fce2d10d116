// The STABLE functions of PostgreSQL whose answer follows from their arguments and from what the key holds.
//
// A stable function may read anything but must not change within a statement. Three sorts are told apart here:
//
//   in the key    role, database, search_path and the settings of the session (TimeZone, DateStyle, lc_*, text search
//                 configuration): the functions below
//   the clock     now(), age(x), statement_timestamp(): never
//   the server    the catalogue, privileges, statistics, transactions, addresses, files: never
//
// What is not listed is refused. age() is listed for its two arguments; with one the analysis refuses it (function-reasons.ts),
// as it does with timetz, whose zone is that of today. Functions that read values by the types' input functions
// (json_populate_record, xml of a query) could be told `now` by the data, and are not listed.
//
// Source: pg_proc of PostgreSQL 18, provolatile = 's', gone through one by one.

export const stableFunctionsInKey: ReadonlySet<string> = new Set(
  `
  current_user session_user system_user getpgusername current_database current_schema current_schemas current_setting
  pg_client_encoding getdatabaseencoding get_current_ts_config

  concat concat_ws format quote_literal quote_nullable array_to_string anytextcat textanycat length
  convert convert_from convert_to to_char to_number money numeric xml xml_is_well_formed

  to_json to_jsonb row_to_json array_to_json
  json_build_array json_build_object jsonb_build_array jsonb_build_object
  json_agg json_agg_strict jsonb_agg jsonb_agg_strict
  json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict
  jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict

  age date time timestamp timestamptz date_add date_part date_subtract date_trunc extract generate_series in_range
  make_timestamptz overlaps timezone to_date to_timestamp
  interval_pl_timestamptz timestamptz_mi_interval timestamptz_pl_interval
  date_cmp_timestamptz date_eq_timestamptz date_ge_timestamptz date_gt_timestamptz date_le_timestamptz date_lt_timestamptz
  date_ne_timestamptz
  timestamp_cmp_timestamptz timestamp_eq_timestamptz timestamp_ge_timestamptz timestamp_gt_timestamptz
  timestamp_le_timestamptz timestamp_lt_timestamptz timestamp_ne_timestamptz
  timestamptz_cmp_date timestamptz_eq_date timestamptz_ge_date timestamptz_gt_date timestamptz_le_date timestamptz_lt_date
  timestamptz_ne_date
  timestamptz_cmp_timestamp timestamptz_eq_timestamp timestamptz_ge_timestamp timestamptz_gt_timestamp
  timestamptz_le_timestamp timestamptz_lt_timestamp timestamptz_ne_timestamp

  to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery json_to_tsvector jsonb_to_tsvector ts_headline
  ts_match_tq ts_match_tt
  `
    .trim()
    .split(/\s+/),
)
