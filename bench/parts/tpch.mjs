// The tables and queries of TPC-H, with rows of our own making: the same shape, sizes and value sets, from one seed.
//
// Not a TPC-H benchmark in the sense of its rules: texts, comments and distributions are simpler than those of dbgen.
//
// Source: TPC Benchmark H, revision 3, clauses 1.4, 2.4 and 4.2.

export const tables = {
  region: `create table region (r_regionkey int primary key, r_name char(25) not null, r_comment varchar(152))`,
  nation: `create table nation (n_nationkey int primary key, n_name char(25) not null, n_regionkey int not null, n_comment varchar(152))`,
  part: `create table part (p_partkey int primary key, p_name varchar(55) not null, p_mfgr char(25) not null, p_brand char(10) not null,
    p_type varchar(25) not null, p_size int not null, p_container char(10) not null, p_retailprice numeric(15,2) not null, p_comment varchar(23) not null)`,
  supplier: `create table supplier (s_suppkey int primary key, s_name char(25) not null, s_address varchar(40) not null, s_nationkey int not null,
    s_phone char(15) not null, s_acctbal numeric(15,2) not null, s_comment varchar(101) not null)`,
  partsupp: `create table partsupp (ps_partkey int not null, ps_suppkey int not null, ps_availqty int not null, ps_supplycost numeric(15,2) not null,
    ps_comment varchar(199) not null, primary key (ps_partkey, ps_suppkey))`,
  customer: `create table customer (c_custkey int primary key, c_name varchar(25) not null, c_address varchar(40) not null, c_nationkey int not null,
    c_phone char(15) not null, c_acctbal numeric(15,2) not null, c_mktsegment char(10) not null, c_comment varchar(117) not null)`,
  orders: `create table orders (o_orderkey int primary key, o_custkey int not null, o_orderstatus char(1) not null, o_totalprice numeric(15,2) not null,
    o_orderdate date not null, o_orderpriority char(15) not null, o_clerk char(15) not null, o_shippriority int not null, o_comment varchar(79) not null)`,
  lineitem: `create table lineitem (l_orderkey int not null, l_partkey int not null, l_suppkey int not null, l_linenumber int not null,
    l_quantity numeric(15,2) not null, l_extendedprice numeric(15,2) not null, l_discount numeric(15,2) not null, l_tax numeric(15,2) not null,
    l_returnflag char(1) not null, l_linestatus char(1) not null, l_shipdate date not null, l_commitdate date not null, l_receiptdate date not null,
    l_shipinstruct char(25) not null, l_shipmode char(10) not null, l_comment varchar(44) not null, primary key (l_orderkey, l_linenumber))`,
}

export const regions = ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST']
/** With the number of the region. */
export const nations = [
  ['ALGERIA', 0],
  ['ARGENTINA', 1],
  ['BRAZIL', 1],
  ['CANADA', 1],
  ['EGYPT', 4],
  ['ETHIOPIA', 0],
  ['FRANCE', 3],
  ['GERMANY', 3],
  ['INDIA', 2],
  ['INDONESIA', 2],
  ['IRAN', 4],
  ['IRAQ', 4],
  ['JAPAN', 2],
  ['JORDAN', 4],
  ['KENYA', 0],
  ['MOROCCO', 0],
  ['MOZAMBIQUE', 0],
  ['PERU', 1],
  ['CHINA', 2],
  ['ROMANIA', 3],
  ['SAUDI ARABIA', 4],
  ['VIETNAM', 2],
  ['RUSSIA', 3],
  ['UNITED KINGDOM', 3],
  ['UNITED STATES', 1],
]
const segments = ['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD']
const priorities = ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW']
const modes = ['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB']
const instructions = ['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN']
const types = ['STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO']
const finishes = ['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED']
const metals = ['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER']
const containers = ['SM CASE', 'SM BOX', 'MED BAG', 'MED BOX', 'LG CASE', 'LG BOX', 'JUMBO PKG', 'WRAP JAR']

/** Rows of a table as lists of texts. `random`: whole numbers below a bound. */
export class TpchRows {
  constructor(scale, random) {
    this.scale = scale
    this.random = random
    this.counts = {
      part: Math.max(20, Math.round(200_000 * scale)),
      supplier: Math.max(10, Math.round(10_000 * scale)),
      customer: Math.max(30, Math.round(150_000 * scale)),
      orders: Math.max(100, Math.round(1_500_000 * scale)),
    }
  }

  pick(list) {
    return list[this.random(list.length)]
  }

  money(low, high) {
    return ((low * 100 + this.random((high - low) * 100)) / 100).toFixed(2)
  }

  /** A day in 1992 to 1998. */
  date(daysBehind = 0) {
    return day(this.random(2405) + daysBehind)
  }

  *of(table) {
    switch (table) {
      case 'region':
        for (const [key, name] of regions.entries()) yield [key, name, 'a region']
        return
      case 'nation':
        for (const [key, [name, region]] of nations.entries()) yield [key, name, region, 'a nation']
        return
      case 'part':
        for (let key = 1; key <= this.counts.part; key++) {
          const brand = `Brand#${1 + this.random(5)}${1 + this.random(5)}`
          const type = `${this.pick(types)} ${this.pick(finishes)} ${this.pick(metals)}`
          yield [
            key,
            `part ${this.pick(metals).toLowerCase()} ${key}`,
            `Manufacturer#${brand[6]}`,
            brand,
            type,
            1 + this.random(50),
            this.pick(containers),
            this.money(900, 2000),
            'a part',
          ]
        }
        return
      case 'supplier':
        for (let key = 1; key <= this.counts.supplier; key++)
          yield [
            key,
            `Supplier#${key}`,
            `street ${key}`,
            this.random(25),
            `${10 + this.random(25)}-${100 + this.random(900)}`,
            this.money(-999, 9999),
            'a supplier',
          ]
        return
      case 'partsupp':
        for (let key = 1; key <= this.counts.part; key++)
          for (let at = 0; at < 4; at++)
            yield [
              key,
              1 + ((key + at * Math.ceil(this.counts.supplier / 4)) % this.counts.supplier),
              this.random(9999),
              this.money(1, 1000),
              'a part of a supplier',
            ]
        return
      case 'customer':
        for (let key = 1; key <= this.counts.customer; key++)
          yield [
            key,
            `Customer#${key}`,
            `street ${key}`,
            this.random(25),
            `${10 + this.random(25)}-${100 + this.random(900)}`,
            this.money(-999, 9999),
            this.pick(segments),
            'a customer',
          ]
        return
      case 'orders':
        for (let key = 1; key <= this.counts.orders; key++) yield this.order(key)
        return
      case 'lineitem':
        for (let key = 1; key <= this.counts.orders; key++) yield* this.lines(key)
    }
  }

  order(key) {
    return [
      key,
      1 + this.random(this.counts.customer),
      this.pick(['O', 'F', 'P']),
      this.money(1000, 400_000),
      this.date(),
      this.pick(priorities),
      `Clerk#${this.random(1000)}`,
      0,
      'an order',
    ]
  }

  *lines(order) {
    const count = 1 + this.random(7)
    for (let number = 1; number <= count; number++) yield this.line(order, number)
  }

  line(order, number) {
    const shipped = this.random(2500)
    const quantity = 1 + this.random(50)
    return [
      order,
      1 + this.random(this.counts.part),
      1 + this.random(this.counts.supplier),
      number,
      quantity,
      this.money(900, 100_000),
      `0.${String(this.random(11)).padStart(2, '0')}`,
      `0.0${this.random(9)}`,
      this.pick(['R', 'A', 'N']),
      this.pick(['O', 'F']),
      day(shipped),
      day(shipped + this.random(90) - 30),
      day(shipped + 1 + this.random(30)),
      this.pick(instructions),
      this.pick(modes),
      'a line',
    ]
  }
}

function day(number) {
  return new Date(Date.UTC(1992, 0, 1 + number)).toISOString().slice(0, 10)
}

const revenue = 'sum(l_extendedprice * (1 - l_discount))'

/** By number, with the parameters of the validation runs (clause 2.4). */
export const queries = {
  1: `select l_returnflag, l_linestatus, sum(l_quantity) as sum_qty, sum(l_extendedprice) as sum_base_price, ${revenue} as sum_disc_price,
      sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) as sum_charge, avg(l_quantity) as avg_qty, avg(l_extendedprice) as avg_price,
      avg(l_discount) as avg_disc, count(*) as count_order
    from lineitem where l_shipdate <= date '1998-12-01' - interval '90' day
    group by l_returnflag, l_linestatus order by l_returnflag, l_linestatus`,
  2: `select s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment from part, supplier, partsupp, nation, region
    where p_partkey = ps_partkey and s_suppkey = ps_suppkey and p_size = 15 and p_type like '%BRASS' and s_nationkey = n_nationkey
      and n_regionkey = r_regionkey and r_name = 'EUROPE' and ps_supplycost = (select min(ps_supplycost) from partsupp, supplier, nation, region
        where p_partkey = ps_partkey and s_suppkey = ps_suppkey and s_nationkey = n_nationkey and n_regionkey = r_regionkey and r_name = 'EUROPE')
    order by s_acctbal desc, n_name, s_name, p_partkey limit 100`,
  3: `select l_orderkey, ${revenue} as revenue, o_orderdate, o_shippriority from customer, orders, lineitem
    where c_mktsegment = 'BUILDING' and c_custkey = o_custkey and l_orderkey = o_orderkey and o_orderdate < date '1995-03-15' and l_shipdate > date '1995-03-15'
    group by l_orderkey, o_orderdate, o_shippriority order by revenue desc, o_orderdate limit 10`,
  4: `select o_orderpriority, count(*) as order_count from orders where o_orderdate >= date '1993-07-01' and o_orderdate < date '1993-07-01' + interval '3' month
      and exists (select * from lineitem where l_orderkey = o_orderkey and l_commitdate < l_receiptdate) group by o_orderpriority order by o_orderpriority`,
  5: `select n_name, ${revenue} as revenue from customer, orders, lineitem, supplier, nation, region
    where c_custkey = o_custkey and l_orderkey = o_orderkey and l_suppkey = s_suppkey and c_nationkey = s_nationkey and s_nationkey = n_nationkey
      and n_regionkey = r_regionkey and r_name = 'ASIA' and o_orderdate >= date '1994-01-01' and o_orderdate < date '1994-01-01' + interval '1' year
    group by n_name order by revenue desc`,
  6: `select sum(l_extendedprice * l_discount) as revenue from lineitem where l_shipdate >= date '1994-01-01'
      and l_shipdate < date '1994-01-01' + interval '1' year and l_discount between .06 - 0.01 and .06 + 0.01 and l_quantity < 24`,
  7: `select supp_nation, cust_nation, l_year, sum(volume) as revenue from (select n1.n_name as supp_nation, n2.n_name as cust_nation,
        extract(year from l_shipdate) as l_year, l_extendedprice * (1 - l_discount) as volume
      from supplier, lineitem, orders, customer, nation n1, nation n2 where s_suppkey = l_suppkey and o_orderkey = l_orderkey and c_custkey = o_custkey
        and s_nationkey = n1.n_nationkey and c_nationkey = n2.n_nationkey
        and ((n1.n_name = 'FRANCE' and n2.n_name = 'GERMANY') or (n1.n_name = 'GERMANY' and n2.n_name = 'FRANCE'))
        and l_shipdate between date '1995-01-01' and date '1996-12-31') as shipping
    group by supp_nation, cust_nation, l_year order by supp_nation, cust_nation, l_year`,
  8: `select o_year, sum(case when nation = 'BRAZIL' then volume else 0 end) / sum(volume) as mkt_share from (select extract(year from o_orderdate) as o_year,
        l_extendedprice * (1 - l_discount) as volume, n2.n_name as nation
      from part, supplier, lineitem, orders, customer, nation n1, nation n2, region where p_partkey = l_partkey and s_suppkey = l_suppkey
        and l_orderkey = o_orderkey and o_custkey = c_custkey and c_nationkey = n1.n_nationkey and n1.n_regionkey = r_regionkey and r_name = 'AMERICA'
        and s_nationkey = n2.n_nationkey and o_orderdate between date '1995-01-01' and date '1996-12-31' and p_type = 'ECONOMY ANODIZED STEEL') as all_nations
    group by o_year order by o_year`,
  9: `select nation, o_year, sum(amount) as sum_profit from (select n_name as nation, extract(year from o_orderdate) as o_year,
        l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity as amount from part, supplier, lineitem, partsupp, orders, nation
      where s_suppkey = l_suppkey and ps_suppkey = l_suppkey and ps_partkey = l_partkey and p_partkey = l_partkey and o_orderkey = l_orderkey
        and s_nationkey = n_nationkey and p_name like '%steel%') as profit group by nation, o_year order by nation, o_year desc`,
  10: `select c_custkey, c_name, ${revenue} as revenue, c_acctbal, n_name, c_address, c_phone, c_comment from customer, orders, lineitem, nation
    where c_custkey = o_custkey and l_orderkey = o_orderkey and o_orderdate >= date '1993-10-01' and o_orderdate < date '1993-10-01' + interval '3' month
      and l_returnflag = 'R' and c_nationkey = n_nationkey
    group by c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment order by revenue desc limit 20`,
  11: `select ps_partkey, sum(ps_supplycost * ps_availqty) as value from partsupp, supplier, nation where ps_suppkey = s_suppkey and s_nationkey = n_nationkey
      and n_name = 'GERMANY' group by ps_partkey having sum(ps_supplycost * ps_availqty) > (select sum(ps_supplycost * ps_availqty) * 0.0001
        from partsupp, supplier, nation where ps_suppkey = s_suppkey and s_nationkey = n_nationkey and n_name = 'GERMANY') order by value desc`,
  12: `select l_shipmode, sum(case when o_orderpriority = '1-URGENT' or o_orderpriority = '2-HIGH' then 1 else 0 end) as high_line_count,
      sum(case when o_orderpriority <> '1-URGENT' and o_orderpriority <> '2-HIGH' then 1 else 0 end) as low_line_count
    from orders, lineitem where o_orderkey = l_orderkey and l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate and l_shipdate < l_commitdate
      and l_receiptdate >= date '1994-01-01' and l_receiptdate < date '1994-01-01' + interval '1' year group by l_shipmode order by l_shipmode`,
  13: `select c_count, count(*) as custdist from (select c_custkey, count(o_orderkey) as c_count from customer left outer join orders
        on c_custkey = o_custkey and o_comment not like '%special%requests%' group by c_custkey) as c_orders group by c_count order by custdist desc, c_count desc`,
  14: `select 100.00 * sum(case when p_type like 'PROMO%' then l_extendedprice * (1 - l_discount) else 0 end) / ${revenue} as promo_revenue
    from lineitem, part where l_partkey = p_partkey and l_shipdate >= date '1995-09-01' and l_shipdate < date '1995-09-01' + interval '1' month`,
  15: `with revenue as (select l_suppkey as supplier_no, ${revenue} as total_revenue from lineitem where l_shipdate >= date '1996-01-01'
        and l_shipdate < date '1996-01-01' + interval '3' month group by l_suppkey)
    select s_suppkey, s_name, s_address, s_phone, total_revenue from supplier, revenue where s_suppkey = supplier_no
      and total_revenue = (select max(total_revenue) from revenue) order by s_suppkey`,
  16: `select p_brand, p_type, p_size, count(distinct ps_suppkey) as supplier_cnt from partsupp, part where p_partkey = ps_partkey and p_brand <> 'Brand#45'
      and p_type not like 'MEDIUM POLISHED%' and p_size in (49, 14, 23, 45, 19, 3, 36, 9)
      and ps_suppkey not in (select s_suppkey from supplier where s_comment like '%Customer%Complaints%')
    group by p_brand, p_type, p_size order by supplier_cnt desc, p_brand, p_type, p_size`,
  17: `select sum(l_extendedprice) / 7.0 as avg_yearly from lineitem, part where p_partkey = l_partkey and p_brand = 'Brand#23' and p_container = 'MED BOX'
      and l_quantity < (select 0.2 * avg(l_quantity) from lineitem where l_partkey = p_partkey)`,
  18: `select c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity) from customer, orders, lineitem
    where o_orderkey in (select l_orderkey from lineitem group by l_orderkey having sum(l_quantity) > 300) and c_custkey = o_custkey and o_orderkey = l_orderkey
    group by c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice order by o_totalprice desc, o_orderdate limit 100`,
  19: `select ${revenue} as revenue from lineitem, part where (p_partkey = l_partkey and p_brand = 'Brand#12' and p_container in ('SM CASE', 'SM BOX')
      and l_quantity >= 1 and l_quantity <= 1 + 10 and p_size between 1 and 5 and l_shipmode in ('AIR', 'REG AIR') and l_shipinstruct = 'DELIVER IN PERSON')
    or (p_partkey = l_partkey and p_brand = 'Brand#23' and p_container in ('MED BAG', 'MED BOX') and l_quantity >= 10 and l_quantity <= 10 + 10
      and p_size between 1 and 10 and l_shipmode in ('AIR', 'REG AIR') and l_shipinstruct = 'DELIVER IN PERSON')`,
  20: `select s_name, s_address from supplier, nation where s_suppkey in (select ps_suppkey from partsupp where ps_partkey in (select p_partkey from part
        where p_name like 'part%') and ps_availqty > (select 0.5 * sum(l_quantity) from lineitem where l_partkey = ps_partkey and l_suppkey = ps_suppkey
          and l_shipdate >= date '1994-01-01' and l_shipdate < date '1994-01-01' + interval '1' year))
      and s_nationkey = n_nationkey and n_name = 'CANADA' order by s_name`,
  21: `select s_name, count(*) as numwait from supplier, lineitem l1, orders, nation where s_suppkey = l1.l_suppkey and o_orderkey = l1.l_orderkey
      and o_orderstatus = 'F' and l1.l_receiptdate > l1.l_commitdate
      and exists (select * from lineitem l2 where l2.l_orderkey = l1.l_orderkey and l2.l_suppkey <> l1.l_suppkey) and s_nationkey = n_nationkey
      and n_name = 'SAUDI ARABIA' group by s_name order by numwait desc, s_name limit 100`,
  22: `select cntrycode, count(*) as numcust, sum(c_acctbal) as totacctbal from (select substring(c_phone from 1 for 2) as cntrycode, c_acctbal from customer
      where substring(c_phone from 1 for 2) in ('13', '31', '23') and not exists (select * from orders where o_custkey = c_custkey)) as custsale
    group by cntrycode order by cntrycode`,
}

/** Queries that follow changes; of the others it is said why not. */
export const followed = [1, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14]

/** The statements of one transaction that changes orders and lines, and now and then a customer or a part. */
export function changeOf(made) {
  const order = 1 + made.random(made.counts.orders + 50)
  const values = (rows) => rows.map((row) => `(${row.map(literal).join(', ')})`).join(', ')
  switch (made.random(6)) {
    case 0:
      return [
        'begin',
        `delete from orders where o_orderkey = ${order}`,
        `delete from lineitem where l_orderkey = ${order}`,
        `insert into orders values ${values([made.order(order)])}`,
        `insert into lineitem values ${values([...made.lines(order)])}`,
        made.random(10) === 0 ? 'rollback' : 'commit',
      ]
    case 1:
      return [`delete from lineitem where l_orderkey = ${order} and l_linenumber > 2`]
    case 2:
      return [
        `update orders set o_orderdate = o_orderdate + 200, o_orderpriority = '1-URGENT' where o_orderkey = ${order}`,
      ]
    case 3:
      return [`update lineitem set l_discount = 0.06, l_returnflag = 'R' where l_orderkey = ${order}`]
    case 4:
      return [
        `update customer set c_mktsegment = 'BUILDING', c_nationkey = ${made.random(25)} where c_custkey = ${1 + (order % made.counts.customer)}`,
      ]
    default:
      return [`update part set p_type = 'PROMO PLATED TIN' where p_partkey = ${1 + (order % made.counts.part)}`]
  }
}

/** Statements that fill a table. */
export function* insertsOf(made, table) {
  let rows = []
  for (const row of made.of(table)) {
    rows.push(`(${row.map(literal).join(', ')})`)
    if (rows.length < 1000) continue
    yield `insert into ${table} values ${rows.join(', ')}`
    rows = []
  }
  if (rows.length > 0) yield `insert into ${table} values ${rows.join(', ')}`
}

function literal(cell) {
  return `'${String(cell).replaceAll("'", "''")}'`
}
