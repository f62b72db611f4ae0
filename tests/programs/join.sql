-- Tables made by a recursive query, joined, updated, indexed and checked; floating point and text along the way.
create table item(id integer primary key, kind integer, price real, name text);
create table sale(id integer primary key, item integer, day integer, count integer);
begin;
with recursive n(i, x) as (select 1, 12345 union all select i + 1, (x * 1103515245 + 12345) & 2147483647 from n where i < 20000)
insert into item select i, x % 97, (x % 10007) / 7.0, printf('item-%06d-%x', i, x) from n;
with recursive n(i, x) as (select 1, 98765 union all select i + 1, (x * 1103515245 + 12345) & 2147483647 from n where i < 60000)
insert into sale select i, (x >> 8) % 20000 + 1, x % 365, (x >> 4) % 9 + 1 from n;
commit;
create index sale_item on sale(item);
create index item_name on item(name);
select kind, count(*), sum(count), round(sum(count * price), 3), round(avg(price), 6), min(name), max(name)
    from sale join item on item.id = sale.item group by kind order by 4 desc limit 10;
select day, sum(count * price) over (order by day rows 6 preceding) from
    (select day, sum(count) as count, avg(price) as price from sale join item on item.id = item group by day)
    where day % 30 = 0;
update item set price = price * 1.1, name = upper(name) where kind in (select kind from item where name like '%ff%' group by kind);
delete from sale where day between 100 and 130 and item % 3 = 1;
select count(*), total(price), length(group_concat(name)) from item;
select a.kind, count(*) from item a join item b on a.kind = b.kind and a.id < b.id and a.id % 16 = 3 and b.id % 16 = 5
    group by a.kind order by 2 desc, 1 limit 5;
vacuum;
pragma integrity_check;
