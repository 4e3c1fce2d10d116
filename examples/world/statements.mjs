// The statements of the script, in the order they are run: reads as applications and ORMs type them, writes in between.
//
// `prepared` names a statement: it is parsed once per session and then bound. Without it, values go in an unnamed
// statement, and a text without values goes as a simple query.
//
// Writes touch `populations` and `favourites`: what was read from other tables stays an answer, what was read from
// these is asked again. The write to `cities` is rolled back, so it costs no entry at all.

/** @typedef {{ about: string, text: string, values?: unknown[], prepared?: string, write?: boolean }} Statement */

/** @type {readonly Statement[]} */
export const statements = [
  {
    about: 'search box: names by prefix',
    text: `select id, name, country_code, population from world.cities
           where lower(name) like 'san%' order by population desc, id limit 10`,
  },
  {
    about: 'search box: anywhere, any case',
    prepared: 'search',
    text: `select c.id, c.name, k.name as country from world.cities c join world.countries k on k.code = c.country_code
           where c.name ilike '%' || $1 || '%' order by c.population desc, c.id limit 20`,
    values: ['burg'],
  },
  {
    about: 'the same, another word',
    prepared: 'search',
    text: `select c.id, c.name, k.name as country from world.cities c join world.countries k on k.code = c.country_code
           where c.name ilike '%' || $1 || '%' order by c.population desc, c.id limit 20`,
    values: ['polis'],
  },
  {
    about: 'one row by key',
    prepared: 'city',
    text: 'select * from world.cities where id = $1',
    values: [2643743],
  },
  {
    about: 'top 10 cities of the world',
    text: 'select name, country_code, population from world.cities order by population desc limit 10',
  },
  {
    about: 'how many cities, how many people',
    text: 'select count(*), sum(population), round(avg(population)) as average from world.cities',
  },
  {
    about: 'cities and people per country',
    text: `select k.name, count(*) as cities, sum(c.population) as people, max(c.population) as largest
           from world.cities c join world.countries k on k.code = c.country_code
           group by k.name having count(*) > 100 order by people desc`,
  },
  {
    about: 'people per region, with subtotals',
    text: `select k.region, k.subregion, count(*) as cities, sum(c.population) as people
           from world.cities c join world.countries k on k.code = c.country_code
           group by rollup (k.region, k.subregion) order by k.region nulls last, k.subregion nulls last`,
  },
  {
    about: 'median city size (ordered-set)',
    text: `select country_code, percentile_cont(array[0.25, 0.5, 0.75]) within group (order by population) as quartiles
           from world.cities where population > 0 group by country_code order by country_code`,
  },
  {
    about: 'page 3 of a list, with LIMIT/OFFSET',
    prepared: 'page',
    text: 'select id, name, population from world.cities where country_code = $1 order by name, id limit $2 offset $3',
    values: ['FR', 25, 50],
  },
  {
    about: 'the next page by key',
    text: 'select id, name from world.cities where country_code = $1 and (name, id) > ($2, $3) order by name, id limit 25',
    values: ['FR', 'Bordeaux', 0],
  },
  {
    about: 'three largest cities of each country',
    text: `select country_code, place, name, population from (
             select country_code, name, population,
                    row_number() over (partition by country_code order by population desc, id) as place
             from world.cities) ranked
           where place <= 3 order by country_code, place`,
  },
  {
    about: 'share of its country, running total',
    prepared: 'share',
    text: `select name, population, round(100.0 * population / sum(population) over (), 2) as percent,
                  sum(population) over (order by population desc, id) as running
           from world.cities where country_code = $1 order by population desc, id limit 15`,
    values: ['DE'],
  },
  {
    about: 'nearest cities to a point',
    prepared: 'nearest',
    text: `select name, country_code, round((6371 * acos(least(1, sin(radians($1)) * sin(radians(latitude)) +
                  cos(radians($1)) * cos(radians(latitude)) * cos(radians(longitude - $2)))))::numeric, 1) as km
           from world.cities order by km, id limit 8`,
    values: [48.2082, 16.3738],
  },
  {
    about: 'languages by number of countries',
    text: `select l.name, count(*) as countries, string_agg(k.flag, '' order by k.code) as flags
           from world.languages l join world.country_languages cl on cl.language_code = l.code
           join world.countries k on k.code = cl.country_code group by l.name order by countries desc, l.name limit 12`,
  },
  {
    about: 'neighbours of neighbours (recursive)',
    prepared: 'reach',
    text: `with recursive reach (code, steps) as (
             select $1::text, 0
             union
             select b.neighbour_code, r.steps + 1 from reach r join world.borders b on b.country_code = r.code where r.steps < 4)
           select k.name, min(r.steps) as steps from reach r join world.countries k on k.code = r.code
           group by k.name order by steps, k.name`,
    values: ['PT'],
  },
  {
    about: 'islands: no border (NOT EXISTS)',
    text: `select name, area_km2 from world.countries k
           where not exists (select from world.borders b where b.country_code = k.code) and un_member order by area_km2 desc`,
  },
  {
    about: 'homonyms (CTE, array_agg)',
    text: `with names as (select name, count(distinct country_code) as countries, array_agg(distinct country_code) as codes
                          from world.cities group by name)
           select name, countries, codes from names where countries >= 8 order by countries desc, name`,
  },
  {
    about: 'a document: countries with their cities',
    text: `select json_agg(json_build_object('code', k.code, 'name', k.name, 'cities', c.cities) order by k.code) as document
           from world.countries k cross join lateral (
             select json_agg(json_build_object('name', c.name, 'population', c.population) order by c.population desc, c.id) as cities
             from world.cities c where c.country_code = k.code and c.population > 500000) c
           where k.region = $1`,
    values: ['Europe'],
  },
  {
    about: 'Drizzle: findMany',
    text: `select "id", "name", "country_code", "district_code", "feature", "population", "latitude", "longitude"
           from "world"."cities" "cities" where ("cities"."country_code" = $1 and "cities"."population" >= $2)
           order by "cities"."population" desc limit $3`,
    values: ['NL', 100000, 20],
  },
  {
    about: 'Prisma: IN list of keys',
    prepared: 's1',
    text: `SELECT "world"."countries"."code", "world"."countries"."name", "world"."countries"."flag" FROM "world"."countries"
           WHERE "world"."countries"."code" IN ($1,$2,$3,$4,$5) OFFSET $6`,
    values: ['NL', 'BE', 'LU', 'DE', 'FR', 0],
  },
  {
    about: 'Rails: eager load, second query',
    prepared: 'a1',
    text: 'SELECT "cities".* FROM "world"."cities" "cities" WHERE "cities"."country_code" IN ($1, $2) AND "cities"."population" > $3',
    values: ['BE', 'LU', 20000],
  },
  {
    about: 'Django: COUNT(*) AS "__count"',
    text: 'SELECT COUNT(*) AS "__count" FROM "world"."cities" WHERE UPPER("world"."cities"."name"::text) LIKE UPPER($1)',
    values: ['%ville%'],
  },
  {
    about: 'density, from a table written often',
    prepared: 'density',
    text: `select k.name, p.people, round((p.people / k.area_km2)::numeric, 1) as per_km2
           from world.populations p join world.countries k on k.code = p.country_code
           where k.area_km2 > 0 order by per_km2 desc limit 10`,
  },
  {
    about: 'a birth: UPDATE by key',
    write: true,
    prepared: 'birth',
    text: 'update world.populations set people = people + 1 where country_code = $1',
    values: ['MC'],
  },
  {
    about: 'density again: sees the birth',
    prepared: 'density',
    text: `select k.name, p.people, round((p.people / k.area_km2)::numeric, 1) as per_km2
           from world.populations p join world.countries k on k.code = p.country_code
           where k.area_km2 > 0 order by per_km2 desc limit 10`,
  },
  {
    about: 'a favourite: INSERT … RETURNING',
    write: true,
    text: `insert into world.favourites (city_id, stars, note) values ($1, $2, $3) returning id`,
    values: [2761369, 5, 'coffee houses'],
  },
  {
    about: 'favourites with their cities',
    text: `select f.id, c.name, f.stars, f.note from world.favourites f join world.cities c on c.id = f.city_id order by f.id`,
  },
  { about: 'a change of mind: BEGIN', write: true, text: 'begin' },
  {
    about: '  UPDATE of all cities of a country',
    write: true,
    text: "update world.cities set population = 0 where country_code = 'AT'",
  },
  { about: '  ROLLBACK', write: true, text: 'rollback' },
  {
    about: 'top 10 again: nothing was lost',
    text: 'select name, country_code, population from world.cities order by population desc limit 10',
  },
  { about: 'no more favourites: DELETE', write: true, text: 'delete from world.favourites' },
  {
    about: 'favourites again: none',
    text: `select f.id, c.name, f.stars, f.note from world.favourites f join world.cities c on c.id = f.city_id order by f.id`,
  },
  {
    about: 'never kept: a random city',
    text: 'select name, country_code from world.cities order by random() limit 1',
  },
]
