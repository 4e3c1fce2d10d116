// PostgreSQL's keywords, and a fast question: is this stretch of a text one of them, in whatever case?
//
// Source: pg_get_keywords() of PostgreSQL 18. A word that is a keyword only in a newer version is folded by the origin as
// any other unquoted name, so a missing word costs a shared plan, never an answer.

const keywords =
  `abort absent absolute access action add admin after aggregate all also alter always analyse analyze and any array as asc
  asensitive assertion assignment asymmetric at atomic attach attribute authorization backward before begin between bigint
  binary bit boolean both breadth by cache call called cascade cascaded case cast catalog chain char character
  characteristics check checkpoint class close cluster coalesce collate collation column columns comment comments commit
  committed compression concurrently conditional configuration conflict connection constraint constraints content continue
  conversion copy cost create cross csv cube current current_catalog current_date current_role current_schema current_time
  current_timestamp current_user cursor cycle data database day deallocate dec decimal declare default defaults deferrable
  deferred definer delete delimiter delimiters depends depth desc detach dictionary disable discard distinct do document
  domain double drop each else empty enable encoding encrypted end enforced enum error escape event except exclude excluding
  exclusive execute exists explain expression extension external extract false family fetch filter finalize first float
  following for force foreign format forward freeze from full function functions generated global grant granted greatest
  group grouping groups handler having header hold hour identity if ilike immediate immutable implicit import in include
  including increment indent index indexes inherit inherits initially inline inner inout input insensitive insert instead
  int integer intersect interval into invoker is isnull isolation join json json_array json_arrayagg json_exists json_object
  json_objectagg json_query json_scalar json_serialize json_table json_value keep key keys label language large last lateral
  leading leakproof least left level like limit listen load local localtime localtimestamp location lock locked logged
  mapping match matched materialized maxvalue merge merge_action method minute minvalue mode month move name names national
  natural nchar nested new next nfc nfd nfkc nfkd no none normalize normalized not nothing notify notnull nowait null nullif
  nulls numeric object objects of off offset oids old omit on only operator option options or order ordinality others out
  outer over overlaps overlay overriding owned owner parallel parameter parser partial partition passing password path
  period placing plan plans policy position preceding precision prepare prepared preserve primary prior privileges
  procedural procedure procedures program publication quote quotes range read real reassign recursive ref references
  referencing refresh reindex relative release rename repeatable replace replica reset restart restrict return returning
  returns revoke right role rollback rollup routine routines row rows rule savepoint scalar schema schemas scroll search
  second security select sequence sequences serializable server session session_user set setof sets share show similar
  simple skip smallint snapshot some source sql stable standalone start statement statistics stdin stdout storage stored
  strict string strip subscription substring support symmetric sysid system system_user table tables tablesample tablespace
  target temp template temporary text then ties time timestamp to trailing transaction transform treat trigger trim true
  truncate trusted type types uescape unbounded uncommitted unconditional unencrypted union unique unknown unlisten unlogged
  until update user using vacuum valid validate validator value values varchar variadic varying verbose version view views
  virtual volatile when where whitespace window with within without work wrapper write xml xmlattributes xmlconcat
  xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable year yes zone`.split(/\s+/)

const lengthMax = Math.max(...keywords.map((keyword) => keyword.length))

// An open hash table over the words: 494 words in 2,048 places, so most questions end at the first place.
const placeCount = 2048
const places: (string | undefined)[] = new Array(placeCount).fill(undefined)

/** Letters of either case hash alike: 32 is the bit between them. */
function hashOf(text: string, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (text.charCodeAt(at) | 32)) | 0
  return (hash ^ (hash >>> 11)) & (placeCount - 1)
}

for (const keyword of keywords) {
  let place = hashOf(keyword, 0, keyword.length)
  while (places[place] !== undefined) place = (place + 1) & (placeCount - 1)
  places[place] = keyword
}

/** The keyword, in lower case, that text[start, end) spells in any case; undefined if it is an identifier. */
export function keywordAt(text: string, start: number, end: number): string | undefined {
  if (end - start > lengthMax) return undefined
  for (let place = hashOf(text, start, end); ; place = (place + 1) & (placeCount - 1)) {
    const keyword = places[place]
    if (keyword === undefined || spells(text, start, end, keyword)) return keyword
  }
}

function spells(text: string, start: number, end: number, keyword: string): boolean {
  if (end - start !== keyword.length) return false
  for (let at = 0; at < keyword.length; at++) {
    const code = text.charCodeAt(start + at)
    const folded = code >= 65 && code <= 90 ? code | 32 : code
    if (folded !== keyword.charCodeAt(at)) return false
  }
  return true
}
